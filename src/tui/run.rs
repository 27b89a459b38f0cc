//! The loop: one inbox; everything that waits is applied, then one frame is drawn, and written only if something visible changed.
//!
//! What touches the terminal is done here; everything else goes to the runtime.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::clipboard::{self, Multiplexer};
use super::effect::{Effect, MouseCapture, QuitMode};
use super::event::{Event, What};
use super::input::Input;
use super::key::Code;
use super::keymap::{Keymap, Override};
use super::model::{Bell, Model, Settings, Toast, Tone};
use super::runtime::Runtime;
use super::session::Session;
use super::terminal::{self, Terminal};
use super::theme::{Charset, Depth, Theme, ThemeName};
use super::{notification, screen, update};
use crate::config::{Access, Config, Environment, When};
use crate::domain::id::ProjectId;
use crate::memory;
use crate::notice::{Notice, inert};
use crate::services::Services;

/// How long work that was told to stop may take.
const STOPPING: Duration = Duration::from_secs(3);

/// What a person came for besides the board.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The project of the clone, or the one named.
    pub project: Option<ProjectId>,
    pub environment: Environment,
    /// Cancelled when the board is to end in order, as after a crash in the background.
    pub ends: CancellationToken,
    /// What the person should know from the first frame on.
    pub notice: Option<Notice>,
    /// Cancelled once the first frame is on the screen: work that can wait waits for it.
    pub painted: CancellationToken,
}

/// Why the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Quit,
    /// The first screen's other choice: a demo in this process.
    WantsDemo,
    /// Work behind the board crashed; the words are the caller's.
    Crashed,
}

/// What is wrong with `[keys]`, with file and line.
pub fn key_problems(config: &Config) -> Vec<Notice> {
    Keymap::new(&overrides(config)).1
}

fn overrides(config: &Config) -> Vec<Override> {
    let file = config.paths.config_file.display().to_string();
    let bindings = config.keys.bindings.iter();
    bindings
        .map(|binding| Override { action: binding.action.clone(), keys: binding.keys.clone(), place: format!("{file}:{}", binding.line) })
        .collect()
}

/// How the screen looks here: configuration first, then what the terminal says of itself.
fn look(config: &Config, environment: &Environment) -> Theme {
    let name = match config.ui.theme {
        crate::config::Theme::Dark => ThemeName::Dark,
        crate::config::Theme::Light => ThemeName::Light,
        crate::config::Theme::Plain => ThemeName::Plain,
    };
    let colours = match config.ui.colour {
        When::Always => true,
        When::Never => false,
        When::Auto => environment.get("NO_COLOR").is_none(),
    };
    let term = environment.get("TERM").unwrap_or_default();
    let depth = if !colours {
        Depth::None
    } else if matches!(environment.get("COLORTERM"), Some("truecolor" | "24bit")) || term.ends_with("-direct") {
        Depth::True
    } else if term.contains("256color") || environment.get("WT_SESSION").is_some() {
        Depth::Indexed
    } else if matches!(term, "vt100" | "vt220" | "vt320") {
        Depth::None
    } else {
        Depth::Sixteen
    };
    let ascii = match config.ui.ascii {
        When::Always => true,
        When::Never => false,
        When::Auto => !environment.is_utf8(),
    };
    Theme::new(name, depth, if ascii { Charset::Ascii } else { Charset::Unicode })
}

fn model(services: &Services, start: &Start, session: Session) -> Model {
    let config = &services.ctx.config;
    let settings = Settings {
        columns: config.board.columns.clone(),
        view_load_seconds: i64::try_from(config.sync.view_load_seconds).unwrap_or(i64::MAX),
        every_seconds: i64::try_from(config.sync.every_seconds).unwrap_or(0),
        zone: jiff::tz::TimeZone::system(),
        metrics_zone: config.metrics.time_zone.clone(),
        collected_days: config.metrics.days,
        definition: config.metrics.definition,
        bell: if config.ui.bell { Bell::Rings } else { Bell::Silent },
        readonly: (config.access == Access::ReadOnly).then(|| "nothing is changed in Azure DevOps: kanado runs with --readonly".to_owned()),
    };
    let mut model = Model::new(services.ctx.clock.now(), settings);
    model.theme = look(config, &start.environment);
    model.keymap = Keymap::new(&overrides(config)).0;
    model.mouse = if config.ui.mouse { MouseCapture::On } else { MouseCapture::Off };
    // Somebody who stands in another project's clone wants that project, and not the place they were at in the last one.
    let elsewhere = start.project.is_some() && start.project != session.project;
    model.restore(if elsewhere { Session { project: start.project, ..Session::default() } } else { session });
    model
}

/// Shows the board until a person leaves it, or the terminal goes away.
pub async fn run(services: Services, start: Start) -> io::Result<Ended> {
    let (sender, mut inbox) = mpsc::unbounded_channel();
    let runtime = Runtime::new(services.clone(), sender);
    let session = runtime.session().await;
    let mut model = model(&services, &start, session);

    let mut terminal = Terminal::enter()?;
    let mut input = Input::open()?;
    let mut signals = Signals::listen()?;
    (model.width, model.height) = terminal::size();
    terminal.resize(model.width, model.height)?;
    if model.mouse == MouseCapture::On {
        terminal.set_mouse(MouseCapture::On)?;
    }
    runtime.listen();
    let mut board = Loop { runtime, terminal, environment: start.environment, quits_when_idle: false, ended: None };
    let effects = update::start(&mut model);
    if let Some(notice) = start.notice {
        model.toast = Some(Toast { notice, tone: Tone::Bad, until: None });
    }
    board.perform(&mut model, effects).await?;
    board.draw(&model)?;
    start.painted.cancel();
    let mut told_to_end = false;

    loop {
        let now = services.ctx.clock.now();
        let wake = model.wake_at().map(|at| Instant::now() + until(now, at));
        let mut happened: Vec<What> = Vec::new();
        tokio::select! {
            biased;
            what = signals.next() => happened.push(what),
            () = start.ends.cancelled(), if !told_to_end => {
                told_to_end = true;
                happened.push(What::HangUp);
            }
            events = input.next() => match events {
                Ok(events) => happened.extend(events),
                // The terminal is gone: what was typed is saved, and that is all that can be done.
                Err(_) => happened.push(What::HangUp),
            },
            what = inbox.recv() => happened.extend(what),
            () = sleep_or_never(wake) => happened.push(What::Tick),
        }
        while let Ok(what) = inbox.try_recv() {
            happened.push(what);
        }
        if model.editor.is_some() && model.overlay.is_none() {
            happened = typed_as_pastes(happened);
        }
        if board.apply(&mut model, happened).await.is_err() {
            // The terminal does not take what we write: it is gone. Drafts are saved, the place is kept.
            let effects = update::update(&mut model, Event::new(services.ctx.clock.now(), What::HangUp));
            let _ = board.perform(&mut model, effects).await;
            board.ended.get_or_insert(Ended::Quit);
        }
        if board.quits_when_idle && model.running_tasks().next().is_none() {
            board.ended.get_or_insert(Ended::Quit);
        }
        if let Some(ended) = board.ended {
            board.runtime.finish(STOPPING).await;
            return Ok(ended);
        }
    }
}

/// From this many cards on, reading a board leaves megabytes free inside the heap.
const LARGE_BOARD: usize = 1_000;

/// Fewer keys at once than this may have been typed.
const BURST: usize = 24;

/// Many characters at once are a paste from a terminal that does not say so: they are inserted in one step.
fn typed_as_pastes(happened: Vec<What>) -> Vec<What> {
    let typed = |what: &What| match what {
        What::Key(key) if key.code == Code::Enter => Some('\n'),
        What::Key(key) => key.typed(),
        _ => None,
    };
    if happened.iter().filter_map(typed).count() < BURST {
        return happened;
    }
    let mut out: Vec<What> = Vec::new();
    for what in happened {
        match (typed(&what), out.last_mut()) {
            (Some(c), Some(What::Paste(text))) => text.push(c),
            (Some(c), _) => out.push(What::Paste(c.to_string())),
            (None, _) => out.push(what),
        }
    }
    out
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    let left = at.duration_since(now);
    Duration::try_from(left).unwrap_or(Duration::ZERO).max(Duration::from_millis(1))
}

async fn sleep_or_never(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// What the loop holds besides the model.
struct Loop {
    runtime: Runtime,
    terminal: Terminal,
    environment: Environment,
    quits_when_idle: bool,
    ended: Option<Ended>,
}

impl Loop {
    /// Applies everything that happened, then draws once.
    async fn apply(&mut self, model: &mut Model, happened: Vec<What>) -> io::Result<()> {
        let mut replaced = false;
        for what in happened {
            replaced |= matches!(&what, What::BoardLoaded { board: Ok(board), .. } if board.cards.len() > LARGE_BOARD);
            if let What::Resize { width, height } = &what {
                // Where tests see what a crash of the loop itself leaves behind.
                assert!(self.environment.get("KANADO_TEST_PANIC_AT") != Some("board.resize"), "a test asked for a panic of the board");
                self.terminal.resize(*width, *height)?;
            }
            let effects = update::update(model, Event::new(self.runtime.now(), what));
            self.perform(model, effects).await?;
        }
        self.draw(model)?;
        if replaced {
            // Only now the board before it is gone. Off the loop: it takes a millisecond or two, which a key should not wait for.
            tokio::task::spawn_blocking(memory::give_back);
        }
        Ok(())
    }

    fn draw(&mut self, model: &Model) -> io::Result<()> {
        self.terminal.draw(|buffer| screen::draw(model, buffer)).map(drop)
    }

    async fn perform(&mut self, model: &mut Model, effects: Vec<Effect>) -> io::Result<()> {
        let mut effects: std::collections::VecDeque<Effect> = effects.into();
        while let Some(effect) = effects.pop_front() {
            let answer = match effect {
                Effect::Quit(QuitMode::Now) => {
                    self.ended.get_or_insert(Ended::Quit);
                    None
                }
                Effect::Quit(QuitMode::WhenIdle) => {
                    self.quits_when_idle = true;
                    Some(What::Notice(Notice::new("quits as soon as the running work is done")))
                }
                Effect::StartDemo => {
                    self.ended = Some(Ended::WantsDemo);
                    None
                }
                Effect::Redraw => {
                    self.terminal.forget()?;
                    None
                }
                Effect::Bell => {
                    self.terminal.bell()?;
                    None
                }
                Effect::Notify(text) => {
                    let sequence = notification::sequence(&text, self.multiplexer(), self.environment.get("TERM"));
                    if let Some(sequence) = sequence {
                        self.terminal.send(&sequence)?;
                    }
                    None
                }
                Effect::SetTitle(title) => {
                    self.terminal.set_title(&title)?;
                    None
                }
                Effect::Mouse(mouse) => {
                    self.terminal.set_mouse(mouse)?;
                    None
                }
                Effect::Suspend => {
                    self.suspend()?;
                    let (width, height) = terminal::size();
                    self.terminal.resize(width, height)?;
                    Some(What::Resize { width, height })
                }
                Effect::CopyText { what, text } => Some(self.copy(what, &text)?),
                Effect::CopyHidden { what, text } => Some(match clipboard::sequence(text.reveal(), self.multiplexer()) {
                    Some(sequence) => {
                        self.terminal.send(&zeroize::Zeroizing::new(sequence))?;
                        What::Done { words: Ok(Some(format!("copied the {what}"))) }
                    }
                    None => What::Notice(Notice::new(format!("the {what} is too long for the terminal's clipboard"))),
                }),
                Effect::OpenUrl { url } => Some(self.open(&url)?),
                Effect::OpenPage { key } => match self.runtime.page(&key).await {
                    Ok(url) => Some(self.open(&url)?),
                    Err(notice) => Some(What::Notice(notice)),
                },
                Effect::ExternalEditor { key, text } => {
                    let text = self.edit(&key.to_string(), &text).await;
                    let (width, height) = terminal::size();
                    self.terminal.resume()?;
                    self.terminal.resize(width, height)?;
                    effects.extend(update::update(model, Event::new(self.runtime.now(), What::Resize { width, height })));
                    Some(What::EditedOutside { key, text })
                }
                Effect::SaveSession(session) => {
                    self.runtime.save_session(&session).await;
                    None
                }
                other => {
                    self.runtime.perform(other);
                    None
                }
            };
            if let Some(what) = answer {
                effects.extend(update::update(model, Event::new(self.runtime.now(), what)));
            }
        }
        Ok(())
    }

    /// Stops the whole job, as Ctrl+Z does in a program that does not read keys itself.
    fn suspend(&mut self) -> io::Result<()> {
        self.terminal.pause();
        #[cfg(unix)]
        // SAFETY: kill has no memory preconditions; 0 is our own process group, as the terminal would signal it.
        unsafe {
            libc::kill(0, libc::SIGTSTP);
        }
        self.terminal.resume()
    }

    fn is_remote(&self) -> bool {
        ["SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"].iter().any(|name| self.environment.get(name).is_some())
    }

    fn multiplexer(&self) -> Multiplexer {
        Multiplexer::detect(self.environment.get("TMUX"), self.environment.get("TERM"))
    }

    fn copy(&mut self, what: &'static str, text: &str) -> io::Result<What> {
        Ok(match clipboard::sequence(text, self.multiplexer()) {
            Some(sequence) => {
                self.terminal.send(&sequence)?;
                What::Done { words: Ok(Some(format!("copied the {what}: {}", inert(text)))) }
            }
            None => What::Notice(Notice::new(format!("the {what} is too long for the terminal's clipboard"))),
        })
    }

    /// Opens an address in the browser here; over SSH there is none, so it is copied and shown.
    fn open(&mut self, url: &str) -> io::Result<What> {
        if self.is_remote() {
            self.copy("address", url)?;
            return Ok(What::Notice(Notice::new(inert(url)).hint("copied; open it where you sit")));
        }
        Ok(match open::that_detached(url) {
            Ok(()) => What::Done { words: Ok(Some("opened in the browser".into())) },
            Err(_) => {
                self.copy("address", url)?;
                What::Notice(Notice::new(inert(url)).hint("no browser could be started; the address is copied"))
            }
        })
    }

    /// Hands the text to `$EDITOR` in a file that only its owner can read. The text is lost in no case: the draft is saved before.
    async fn edit(&mut self, name: &str, text: &str) -> Result<String, Notice> {
        let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| self.environment.get(name)).unwrap_or("vi").to_owned();
        let failed = |what: &str, error: &dyn std::fmt::Display| {
            Notice::new(format!("could not {what}: {error}")).hint("set VISUAL or EDITOR; the draft is kept")
        };
        let folder = std::env::temp_dir().join(format!("kanado-{}", uuid::Uuid::new_v4().simple()));
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(0o700);
        }
        builder.create(&folder).map_err(|error| failed("make a folder for the editor", &error))?;
        let file = folder.join(format!("{name}.md"));
        self.terminal.pause();
        let edited = async {
            std::fs::write(&file, text).map_err(|error| failed("write the file for the editor", &error))?;
            let mut command = shell(&editor, &file);
            let status = command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit()).status().await;
            match status {
                Ok(status) if status.success() => {}
                Ok(status) => return Err(failed(&format!("edit with {editor}"), &format!("it ended with {status}"))),
                Err(error) => return Err(failed(&format!("start {editor}"), &error)),
            }
            let bytes = std::fs::read(&file).map_err(|error| failed("read what the editor wrote", &error))?;
            match crate::domain::spec::validate(&bytes) {
                Ok(text) => Ok(text.to_owned()),
                Err(error) => Err(failed("take what the editor wrote", &error)),
            }
        }
        .await;
        if edited.is_ok() {
            // What cannot be removed is in the temporary folder, which the system empties.
            let _ = std::fs::remove_dir_all(&folder);
        }
        edited.map_err(|notice| match file.exists() {
            true => Notice { hint: Some(format!("what you wrote is in {}", file.display())), ..notice },
            false => notice,
        })
    }
}

/// The editor may be a command with arguments (`code --wait`): the shell takes it apart, the file is its last argument.
fn shell(editor: &str, file: &std::path::Path) -> tokio::process::Command {
    #[cfg(unix)]
    {
        let mut command = tokio::process::Command::new("sh");
        command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(file);
        command
    }
    #[cfg(not(unix))]
    {
        let mut command = tokio::process::Command::new(editor);
        command.arg(file);
        command
    }
}

/// Signals, as events.
struct Signals {
    #[cfg(unix)]
    changed_size: tokio::signal::unix::Signal,
    #[cfg(unix)]
    ending: [tokio::signal::unix::Signal; 3],
}

impl Signals {
    #[cfg(unix)]
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            changed_size: signal(SignalKind::window_change())?,
            ending: [signal(SignalKind::hangup())?, signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?],
        })
    }

    #[cfg(not(unix))]
    fn listen() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(unix)]
    async fn next(&mut self) -> What {
        let [hangup, terminate, interrupt] = &mut self.ending;
        tokio::select! {
            _ = self.changed_size.recv() => {
                let (width, height) = terminal::size();
                What::Resize { width, height }
            }
            _ = hangup.recv() => What::HangUp,
            _ = terminate.recv() => What::HangUp,
            _ = interrupt.recv() => What::HangUp,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> What {
        let _ = tokio::signal::ctrl_c().await;
        What::HangUp
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::key::Key;

    fn config(term: &str, colorterm: Option<&str>, no_color: bool) -> (Depth, Charset) {
        let mut variables = vec![("TERM", term), ("LANG", "en_US.UTF-8")];
        variables.extend(colorterm.map(|value| ("COLORTERM", value)));
        if no_color {
            variables.push(("NO_COLOR", "1"));
        }
        let theme = look(&Config::default(), &variables.into_iter().collect());
        let charset = if theme.marks == crate::tui::theme::Marks::of(Charset::Ascii) { Charset::Ascii } else { Charset::Unicode };
        (theme.depth, charset)
    }

    #[test]
    fn the_terminal_says_how_many_colours_it_has() {
        assert_eq!(config("xterm-256color", Some("truecolor"), false), (Depth::True, Charset::Unicode));
        assert_eq!(config("xterm-256color", None, false).0, Depth::Indexed);
        assert_eq!(config("linux", None, false).0, Depth::Sixteen);
        assert_eq!(config("xterm-256color", Some("truecolor"), true).0, Depth::None);
        assert_eq!(config("vt100", None, false).0, Depth::None);
    }

    #[test]
    fn a_burst_of_characters_is_a_paste_and_a_few_are_keys() {
        let keys =
            |text: &str| text.chars().map(|c| What::Key(if c == '\n' { Key::new(Code::Enter) } else { Key::char(c) })).collect::<Vec<_>>();
        let text = "a whole line that\nnobody types at once";
        assert_eq!(typed_as_pastes(keys(text)), [What::Paste(text.into())]);
        assert_eq!(typed_as_pastes(keys("dd")), keys("dd"));
    }
}
