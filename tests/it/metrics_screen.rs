//! The metrics screen in front of a generated organisation: what is on it is what the figures say, and it follows what happens. The screen's
//! own loop without a terminal; the clock is the test's.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use kanado::action::{explain_pull_request, figures};
use kanado::clock::Clock;
use kanado::config::Config;
use kanado::engine::{Engine, EngineOptions};
use kanado::metrics::figures::{Figures, Metric, Value};
use kanado::metrics::period::Span;
use kanado::metrics::query::Query;
use kanado::metrics::rows;
use kanado::sim;
use kanado::sim::control::Merging;
use kanado::sim::generate::Size;
use kanado::sim::world::PrState;
use kanado::store::PullRequestFilter;
use kanado::tui::effect::Effect;
use kanado::tui::event::{Event, What};
use kanado::tui::key::Key;
use kanado::tui::model::{Model, Settings};
use kanado::tui::runtime::Runtime;
use kanado::tui::session::Session;
use kanado::tui::widget::figure;
use kanado::tui::{screen, update};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::sync::mpsc;
use unicode_width::UnicodeWidthStr;

use crate::support::measured::Measured;

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(60);
/// When nothing happened for so long, whatever is to come waits for the clock.
const QUIET: Duration = Duration::from_millis(100);

/// Somebody's board without its terminal.
struct Board {
    model: Model,
    runtime: Runtime,
    inbox: mpsc::UnboundedReceiver<What>,
    clock: Clock,
}

impl Board {
    fn open(measured: &Measured, clock: &Clock, (width, height): (u16, u16)) -> Self {
        let (sender, inbox) = mpsc::unbounded_channel();
        let runtime = Runtime::new(measured.services.clone(), sender);
        runtime.listen();
        let mut model = Model::new(runtime.now(), Settings::default());
        model.restore(Session { project: measured.projects.first().map(|project| project.id), ..Session::default() });
        (model.width, model.height) = (width, height);
        let mut board = Self { model, runtime, inbox, clock: clock.clone() };
        let effects = update::start(&mut board.model);
        board.perform(effects);
        board
    }

    fn perform(&self, effects: Vec<Effect>) {
        effects.into_iter().for_each(|effect| self.runtime.perform(effect));
    }

    fn happens(&mut self, what: What) {
        let effects = update::update(&mut self.model, Event::new(self.runtime.now(), what));
        self.perform(effects);
    }

    /// Keys as the configuration writes them, with spaces between.
    fn press(&mut self, keys: &str) {
        for key in Key::parse_sequence(keys).unwrap() {
            self.happens(What::Key(key));
        }
    }

    fn picture(&self) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.model.width, self.model.height));
        screen::draw(&self.model, &mut buffer);
        let mut lines = Vec::new();
        for y in 0..self.model.height {
            let (mut line, mut x) = (String::new(), 0);
            while x < self.model.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += u16::try_from(symbol.width()).unwrap().max(1);
            }
            lines.push(line.trim_end().to_owned());
        }
        lines.join("\n")
    }

    /// Lets what was asked for come in until the screen is as wanted. A look that waits for its time gets it.
    async fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let picture = self.picture();
            if wanted(&picture) {
                return picture;
            }
            assert!(tokio::time::Instant::now() < deadline, "waited too long for {what}; the screen shows\n{picture}");
            match (tokio::time::timeout(QUIET, self.inbox.recv()).await, self.model.metrics.next_look()) {
                (Ok(Some(what)), _) => self.happens(what),
                (Ok(None), _) => panic!("the runtime is gone"),
                (Err(_), Some(at)) => {
                    self.clock.advance(at.duration_since(self.clock.now()).max(SignedDuration::ZERO));
                    self.happens(What::Tick);
                }
                (Err(_), None) => {}
            }
        }
    }
}

struct Scene {
    measured: Measured,
    clock: Clock,
}

impl Scene {
    async fn new() -> Self {
        let start: Timestamp = "2026-03-18T15:00:00Z".parse().unwrap();
        let clock = Clock::fixed(start);
        let options = sim::Options { organisation: sim::Content::Generated(Size::S), start: Some(start), ..sim::Options::default() };
        let scene = Self { measured: Measured::at(options, clock.clone()).await, clock };
        assert!(scene.measured.collect().await.is_complete());
        scene
    }

    fn query(&self, days: u16) -> Query {
        let rules = self.measured.services.ctx.config.metrics.rules.clone();
        Query::new(vec![self.measured.projects[0].id], Span::Days(days).window(&TimeZone::UTC, self.clock.now()), rules)
    }

    /// What the figures are, past the screen.
    async fn figures(&self, days: u16) -> Figures {
        figures::read(&self.measured.services.ctx, &self.query(days), self.clock.now()).await.unwrap().1
    }
}

fn headline(figures: &Figures, metric: Metric) -> String {
    figure::value(&figures.tile(metric).unwrap().value, metric).headline
}

/// The rows of the screen from a title down to the foot of its tile, cut to its columns; nothing while it is not there.
fn tile(picture: &str, metric: Metric) -> Option<String> {
    let title = if metric == Metric::RecoveryTime { "Recovery" } else { metric.title() };
    let lines: Vec<&str> = picture.lines().collect();
    let (y, line) = lines.iter().enumerate().find(|(_, line)| line.contains(title))?;
    let x = line.split(title).next()?.chars().count();
    let cut = |line: &&str| line.chars().skip(x).take(30).collect::<String>();
    Some(lines[y..lines.len().min(y + 5)].iter().map(cut).collect::<Vec<_>>().join("\n"))
}

/// Whether so many are said to be merged.
fn says_merged(picture: &str, count: u64) -> bool {
    tile(picture, Metric::Throughput).is_some_and(|tile| tile.replace("  ", " ").contains(&format!("{count} merged")))
}

fn assert_shows(picture: &str, figures: &Figures) {
    for metric in Metric::ALL {
        let tile = tile(picture, metric).unwrap_or_else(|| panic!("no {}\n{picture}", metric.title()));
        let said = headline(figures, metric);
        assert!(tile.contains(&said), "{}: {said}\n{tile}\n{picture}", metric.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_shows_the_figures_their_rows_and_what_they_hang_on() {
    let scene = Scene::new().await;
    let ctx = &scene.measured.services.ctx;
    let mut board = Board::open(&scene.measured, &scene.clock, (160, 50));
    board.wait("the board", |screen| screen.contains("To Do")).await;
    board.press("3");
    let month = scene.figures(30).await;
    let measured = Metric::ALL.iter().filter(|metric| !matches!(month.tile(**metric).unwrap().value, Value::NotMeasured { .. })).count();
    assert_eq!(measured, 10, "there is something to see: {month:?}");
    let screen = board.wait("the figures", |screen| screen.contains("Phases of merged")).await;
    assert!(screen.contains("30 days") && screen.contains("16 Feb to 18 Mar"), "{screen}");
    assert_shows(&screen, &month);

    // The rows behind one, those left out, and the work items.
    let (input, _) = figures::read(ctx, &scene.query(30), scene.clock.now()).await.unwrap();
    let rows = rows(&input, &scene.query(30), Metric::LeadTime, scene.clock.now());
    let counted = rows.iter().filter(|row| row.excluded.is_none()).count();
    assert_eq!(month.tile(Metric::LeadTime).unwrap().n, counted as u64);
    board.press("l enter");
    let words = format!("Counted {counted}   Left out {}   Linked to {}", rows.len() - counted, month.linkage.items.len());
    let screen = board.wait("the rows", |screen| screen.contains(&words)).await;
    assert!(screen.contains(&words) && screen.contains(&headline(&month, Metric::LeadTime)), "{words}\n{screen}");
    board.press("]");
    let left_out = rows.iter().find_map(|row| row.excluded).expect("something is left out");
    assert!(board.picture().contains(left_out.words()), "{}", board.picture());
    board.press("]");
    let (number, title, _) = month.linkage.items.first().expect("something is linked");
    let screen = board.picture();
    assert!(screen.contains(&format!("#{number}")) && screen.contains(title.as_str()), "{screen}");
    let linkage = &month.linkage;
    let said = format!("{} of {} pull requests", linkage.linked_pull_requests, linkage.pull_requests);
    assert!(screen.contains(&said), "{said}\n{screen}");

    // What moved it: the week before this window was not collected, and that is said.
    board.press("esc i");
    let screen = board.wait("what moved it", |screen| screen.contains("the median a week ago")).await;
    assert!(screen.contains("the rest was not collected") && screen.contains("came in"), "{screen}");
    board.press("esc");

    // Another window.
    board.press("t");
    let quarter = scene.figures(90).await;
    let screen = board.wait("90 days", |screen| screen.contains("90 days") && !screen.contains("working it out")).await;
    assert_shows(&screen, &quarter);
    assert!(screen.contains("Dec to 18 Mar") && quarter.window != month.window, "{screen}");

    // A team is known once somebody asked for it, and narrows what people do.
    board.press("f");
    board.wait("what there is to choose from", |screen| screen.contains("Figures of")).await;
    "team ".chars().for_each(|key| board.happens(What::Key(Key::char(key))));
    board.wait("the teams", |screen| screen.contains("team ") && screen.contains(" Team")).await;
    board.press("enter");
    let screen = board
        .wait("the team's figures", |screen| screen.contains("days  ") && screen.contains("  team ") && !screen.contains("working it out"))
        .await;
    assert!(screen.contains(" Team"), "{screen}");
    let teams = ctx.store.teams(scene.measured.projects[0].id).await.unwrap();
    assert_eq!(teams.len(), 1, "{teams:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_on_the_screen_without_a_key() {
    let scene = Scene::new().await;
    let engine = Engine::start_collecting(&scene.measured.services, EngineOptions::of(&Config::default()));
    let mut board = Board::open(&scene.measured, &scene.clock, (80, 24));
    board.wait("the board", |screen| screen.contains("To Do")).await;
    board.press("3");
    let before = scene.figures(30).await;
    let merged = |figures: &Figures| match figures.tile(Metric::Throughput).unwrap().value {
        Value::Count { count } => count,
        ref other => panic!("{other:?}"),
    };
    board.wait("the figures", |screen| says_merged(screen, merged(&before))).await;

    let bots: Vec<String> = scene.measured.world.sim.plan().unwrap().bots.iter().map(|bot| bot.id.to_string()).collect();
    let control = scene.measured.control();
    let number = {
        let world = control.world().await;
        let mut open = world.pull_requests.values().filter(|row| row.state == PrState::Active && !row.is_draft);
        open.find(|row| !bots.contains(&row.created_by.to_string())).expect("one is open").id
    };
    control.merge(number, "bob", Merging::default()).await.unwrap();
    // The next cycle of the collector.
    scene.clock.advance(SignedDuration::from_mins(15));
    let screen = board.wait("one more", |screen| says_merged(screen, merged(&before) + 1)).await;
    assert!(screen.contains("30 days"), "{screen}");
    assert_eq!(merged(&scene.figures(30).await), merged(&before) + 1);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_compared_with_what_the_phases_of_the_same_days_are() {
    let scene = Scene::new().await;
    let ctx = &scene.measured.services.ctx;
    let (project, now) = (scene.measured.projects[0].id, scene.clock.now());
    let (_, team) = figures::read(ctx, &figures::of_team(ctx, project, now).await.unwrap(), now).await.unwrap();
    let open = ctx.store.pull_requests(project, &PullRequestFilter::active()).await.unwrap();
    assert!(open.len() >= 3, "{open:?}");
    let (mut compared, mut blocked) = (0, 0);
    for known in &open {
        let explained = explain_pull_request::run(ctx, known.facts.repository, known.facts.number).await.unwrap();
        assert!(explained.waterfall.now().is_some(), "it is somewhere: {explained:?}");
        assert_eq!((explained.missing.as_slice(), explained.stops.as_slice()), (&[][..], &[][..]));
        blocked += usize::from(!explained.waterfall.blockers.is_empty());
        for part in &explained.waterfall.parts {
            let Some(phase) = part.phase else { continue };
            let figure = team.phases.iter().find(|figure| figure.phase == phase).unwrap();
            assert_eq!(part.n, figure.n, "{phase:?}");
            if let Value::Times { median, p85, .. } = figure.value {
                assert_eq!((part.median, part.p85), (Some(median), p85), "{phase:?}");
                compared += 1;
            }
        }
    }
    assert!(compared >= open.len() && blocked > 0, "{compared} parts compared, {blocked} of {} wait for something", open.len());

    // On the screen, as a person asks for it.
    let mut board = Board::open(&scene.measured, &scene.clock, (120, 40));
    board.wait("the board", |screen| screen.contains("To Do")).await;
    board.press("2 ] ]");
    board.wait("the list", |screen| screen.contains('!')).await;
    board.press("enter");
    let screen = board.wait("its story", |screen| screen.contains("Why it is not merged yet")).await;
    assert!(!screen.contains("nothing is collected"), "{screen}");
}
