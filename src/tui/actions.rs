//! The catalogue of actions: the one place that says what can be done, in which words, where, and by which keys.
//!
//! The keymap, the hints at the foot of the screen, the help, the palette, `[keys]` in the configuration and the documentation are all
//! made from it. An action that is not built is not in it. Why an action is refused just now is in [`super::refusal`].

use super::intent::Intent;

/// Where a key is pressed. Dialogs and pickers have a few fixed keys of their own and are not contexts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    Board,
    Ticket,
    PullRequests,
    Metrics,
    Activity,
    Setup,
    Editor,
    /// A form with text fields: a new ticket, a pull request, the connection.
    Form,
}

impl Context {
    pub const ALL: [Self; 8] =
        [Self::Board, Self::Ticket, Self::PullRequests, Self::Metrics, Self::Activity, Self::Setup, Self::Editor, Self::Form];

    pub fn title(self) -> &'static str {
        match self {
            Self::Board => "Board",
            Self::Ticket => "Ticket",
            Self::PullRequests => "Pull requests",
            Self::Metrics => "Metrics",
            Self::Activity => "Activity",
            Self::Setup => "Setup",
            Self::Editor => "Editor",
            Self::Form => "Form",
        }
    }

    /// Whether printable keys are text here.
    pub fn takes_text(self) -> bool {
        matches!(self, Self::Editor | Self::Form)
    }
}

/// The heading an action stands under in the help.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Ticket,
    Editor,
    Form,
    Setup,
    Webhooks,
    Metrics,
    Activity,
    Look,
    Go,
    Program,
}

impl Group {
    pub fn title(self) -> &'static str {
        match self {
            Self::Ticket => "Ticket",
            Self::Editor => "Editor",
            Self::Form => "Form",
            Self::Setup => "Setup",
            Self::Webhooks => "Webhooks",
            Self::Metrics => "Metrics",
            Self::Activity => "Activity",
            Self::Look => "Look",
            Self::Go => "Go",
            Self::Program => "Program",
        }
    }
}

/// Something that can be done.
#[derive(Debug)]
pub struct Action {
    /// Stable: what `[keys]` and the documentation call it.
    pub id: &'static str,
    /// What it does, as help and palette say it.
    pub words: &'static str,
    /// The short word at the foot of the screen, for the few that belong there.
    pub hint: Option<&'static str>,
    pub group: Group,
    pub contexts: &'static [Context],
    pub keys: &'static [&'static str],
    pub intent: Intent,
}

use Context::{Activity as A, Board as B, Editor as E, Form as F, Metrics as M, PullRequests as P, Setup as S, Ticket as T};

const LISTS: &[Context] = &[B, T, P, M, A, S];
const TICKETS: &[Context] = &[B, T];
const EVERYWHERE: &[Context] = &[B, T, P, M, A, S, E, F];

macro_rules! actions {
    ($($group:ident { $($id:literal $words:literal $(@ $hint:literal)? $contexts:expr, [$($key:literal),*] => $intent:ident;)* })*) => {
        /// Every action, in the order help shows them.
        pub const ACTIONS: &[Action] = &[$($(Action {
            id: $id,
            words: $words,
            hint: actions!(@hint $($hint)?),
            group: Group::$group,
            contexts: $contexts,
            keys: &[$($key),*],
            intent: Intent::$intent,
        },)*)*];
    };
    (@hint) => { None };
    (@hint $hint:literal) => { Some($hint) };
}

actions! {
    Ticket {
        "ticket.start" "start work: make the branch, push the spec" @ "start" TICKETS, ["s"] => StartWork;
        "spec.edit" "edit the spec here" @ "edit" TICKETS, ["e"] => EditSpec;
        "pr.open" "open the pull request, or show it" @ "pull request" TICKETS, ["P"] => PullRequest;
        "ticket.move" "move to another column" @ "move" TICKETS, ["m"] => MovePicker;
        "ticket.new" "new ticket" @ "new" &[B, T, P], ["n"] => NewTicket;
        "ticket.left" "move to the previous allowed column" TICKETS, ["H"] => MoveLeft;
        "ticket.right" "move to the next allowed column" TICKETS, ["L"] => MoveRight;
        "ticket.assign" "assign to somebody" @ "assign" TICKETS, ["a"] => Assign;
        "ticket.take" "take it: assign to me" TICKETS, ["i"] => TakeIt;
        "criterion.toggle" "tick or untick the criterion" @ "tick" &[T], ["x"] => ToggleCriterion;
        "spec.external" "edit the spec in $EDITOR" TICKETS, ["E"] => EditSpecOutside;
        "spec.diff" "compare the spec with the branch" @ "diff" TICKETS, ["d"] => DiffSpec;
        "spec.push" "push the spec to the branch" TICKETS, ["U"] => PushSpec;
        "spec.pull" "pull the spec from the branch" TICKETS, ["T"] => PullSpec;
        "ticket.open" "open in the browser" @ "browser" &[B, T, P], ["o"] => OpenOutside;
        "ticket.copy_key" "copy the key" &[B, T, P], ["y"] => CopyKey;
        "ticket.copy_menu" "copy the title, branch, address ..." &[B, T, P], ["Y"] => CopyMenu;
        "ticket.watch" "watch: tell me when it changes, or no more" &[B, T, P], ["w"] => Watch;
        "ticket.archive" "archive the ticket" TICKETS, ["Z"] => Archive;
        "ticket.delete" "delete the ticket (before work starts)" TICKETS, ["D"] => Delete;
    }
    Editor {
        "editor.push" "save and push to the branch" @ "push" &[E], ["f2"] => SaveAndPush;
        "editor.save" "save the draft" @ "save" &[E], ["ctrl+s"] => SaveDraft;
        "editor.preview" "show or hide the preview" @ "preview" &[E], ["f3"] => EditorPreview;
        "editor.external" "go on in $EDITOR" @ "$EDITOR" &[E], ["f4", "ctrl+g"] => EditorOutside;
        "editor.tick" "tick or untick the criterion of this line" @ "tick" &[E], ["ctrl+t"] => EditorTick;
        "editor.undo" "undo" &[E], ["ctrl+z"] => EditorUndo;
        "editor.redo" "redo" &[E], ["ctrl+y"] => EditorRedo;
        "editor.previous_section" "go to the previous section" &[E], ["f7"] => EditorPreviousSection;
        "editor.next_section" "go to the next section" @ "section" &[E], ["f8"] => EditorNextSection;
        "editor.leave" "leave; the draft is kept" @ "leave" &[E], ["esc"] => EditorLeave;
    }
    Form {
        "form.submit" "submit the form" @ "submit" &[F], ["ctrl+s"] => Submit;
    }
    Setup {
        "setup.toggle" "link the repository, let the member review" @ "toggle" &[S], ["space"] => ToggleRow;
        "setup.discover" "look for repositories or members" @ "discover" &[S], ["d"] => Discover;
        "setup.default_reviewer" "choose the member's default reviewer" &[S], ["a"] => DefaultReviewer;
        "setup.comments" "choose whether the project's pull requests are commented" &[S], ["c"] => Comments;
        "setup.deselect" "take the project off the board, with its webhooks" &[S], ["D"] => Deselect;
        "setup.less" "lower the number" &[S], ["-"] => Less;
        "setup.more" "raise the number" &[S], ["+"] => More;
    }
    Webhooks {
        "webhooks.register" "register the webhooks in Azure DevOps" &[S], [] => HooksRegister;
        "webhooks.remove" "remove the webhooks that kanado registered" &[S], [] => HooksRemove;
        "webhooks.generate" "make a secret for webhooks by hand" &[S], [] => SecretGenerate;
        "webhooks.rotate" "rotate the secret: the old one counts for a while" &[S], [] => SecretRotate;
        "webhooks.revoke" "revoke the secret at once" &[S], [] => SecretRevoke;
        "webhooks.steps" "show how to make the webhooks by hand" &[S], [] => HookSteps;
        "webhooks.copy_address" "copy the address that webhooks call" &[S], ["y"] => CopyWebhookUrl;
    }
    Metrics {
        "metrics.formula" "the formula with its numbers, what was left out, what is missing" @ "formula" &[M], ["i"] => Formula;
        "metrics.window" "next window: 7, 30, 90 days" @ "window" &[M], ["t"] => NextWindow;
        "metrics.window_typed" "type a window: 14d, 2026-10-01..2026-10-31" &[M], ["T"] => TypeWindow;
        "metrics.filter" "filter by project, repository, service, team" @ "filter" &[M], ["f"] => FilterMetrics;
        "metrics.definition" "next definition: ours, DevLake, fourkeys" @ "definition" &[M], ["d"] => NextDefinition;
        "metrics.hours" "working hours only, or calendar hours" @ "hours" &[M], ["w"] => WorkingHours;
        "metrics.collect" "collect what is new from Azure DevOps now" @ "collect" &[M], ["r"] => CollectNow;
        "metrics.export" "write the figures, or the rows, into a file" @ "export" &[M], ["X"] => ExportMetrics;
        "metrics.open" "open the row in the browser" @ "browser" &[M], ["o"] => OpenMetricRow;
        "metrics.copy" "copy the figure, or the row's address" &[M], ["y"] => CopyMetric;
    }
    Activity {
        "activity.problems" "only deliveries with a problem, or all" @ "problems" &[A], ["p"] => ToggleProblems;
        "delivery.replay" "try the delivery again" @ "again" &[A], ["r"] => ReplayDelivery;
    }
    Look {
        "filter.text" "filter: words, @name, label:x, repo:y, status:z" @ "filter" &[B, P], ["/"] => Filter;
        "filter.by" "filter by a person, label, repository or status" &[B], ["f"] => FilterBy;
        "filter.mine" "only mine" @ "mine" &[B], ["M"] => Mine;
        "filter.clear" "clear the filter" &[B, P], [] => ClearFilter;
        "board.preview" "show or hide the preview" &[B], ["p"] => TogglePreview;
        "preview.down" "scroll the preview down" &[B], ["J"] => PreviewDown;
        "preview.up" "scroll the preview up" &[B], ["K"] => PreviewUp;
        "sync.this" "sync this ticket's pull request" &[B, T, P], ["r"] => SyncThis;
        "sync.all" "sync all pull requests of the project" @ "sync" LISTS, ["R"] => SyncAll;
    }
    Go {
        "nav.open" "open" @ "open" LISTS, ["enter"] => Open;
        "nav.back" "back" LISTS, ["esc"] => Back;
        "nav.down" "down" LISTS, ["j", "down"] => Down;
        "nav.up" "up" LISTS, ["k", "up"] => Up;
        "nav.left" "left" LISTS, ["h", "left"] => Left;
        "nav.right" "right" LISTS, ["l", "right"] => Right;
        "nav.top" "to the top" LISTS, ["g g", "home"] => Top;
        "nav.bottom" "to the bottom" LISTS, ["G", "end"] => Bottom;
        "nav.half_down" "half a page down" LISTS, ["ctrl+d", "pgdn"] => HalfDown;
        "nav.half_up" "half a page up" LISTS, ["ctrl+u", "pgup"] => HalfUp;
        "nav.next_tab" "next tab or pane" @ "next" LISTS, ["tab", "]"] => NextTab;
        "nav.previous_tab" "previous tab or pane" LISTS, ["shift+tab", "["] => PreviousTab;
        "go.board" "to the board" LISTS, ["1", "g b"] => ShowBoard;
        "go.pull_requests" "to the pull requests" LISTS, ["2", "g p"] => ShowPullRequests;
        "go.metrics" "to the metrics" LISTS, ["3", "g m"] => ShowMetrics;
        "go.activity" "to the activity" LISTS, ["4", "g a"] => ShowActivity;
        "go.setup" "to the setup" LISTS, ["5", "g s"] => ShowSetup;
        "go.project" "to another project" LISTS, ["g o"] => PickProject;
    }
    Program {
        "app.help" "help of this screen" @ "help" EVERYWHERE, ["?", "f1"] => Help;
        "app.palette" "palette: find an action or a ticket" @ "palette" &[B, T, P, M, A, S, E], [":", "ctrl+p"] => Palette;
        "task.cancel" "cancel the running task" @ "cancel" LISTS, ["ctrl+x"] => CancelTask;
        "app.theme" "next theme" LISTS, [] => NextTheme;
        "app.mouse" "mouse on or off" LISTS, ["%"] => ToggleMouse;
        "app.redraw" "draw the screen again" EVERYWHERE, ["ctrl+l"] => Redraw;
        "app.suspend" "suspend to the shell" LISTS, ["ctrl+z"] => Suspend;
        "app.quit" "back, then quit" @ "quit" LISTS, ["q"] => Quit;
    }
}

/// The action of an intent. An intent may have one action only.
pub fn of(intent: Intent) -> Option<&'static Action> {
    ACTIONS.iter().find(|action| action.intent == intent)
}

#[cfg(test)]
mod tests {
    use super::super::key::{Code, Key};
    use super::*;

    #[test]
    fn every_intent_has_exactly_one_action_and_every_action_its_own_id() {
        for (at, action) in ACTIONS.iter().enumerate() {
            for other in &ACTIONS[at + 1..] {
                assert_ne!(action.id, other.id);
                assert_ne!(action.intent, other.intent, "{} and {}", action.id, other.id);
            }
        }
    }

    #[test]
    fn no_default_key_is_one_that_terminals_and_multiplexers_eat() {
        for action in ACTIONS {
            for key in action.keys.iter().flat_map(|keys| Key::parse_sequence(keys).expect(keys)) {
                let eaten = key.ctrl
                    && (matches!(key.code, Code::Char('a' | 'b' | ' ' | 'h' | 'i' | 'j' | 'm'))
                        || matches!(key.code, Code::Enter | Code::Up | Code::Down | Code::Left | Code::Right));
                assert!(!eaten, "{} binds {key}", action.id);
            }
        }
    }
}
