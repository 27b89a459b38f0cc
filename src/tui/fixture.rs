//! Models for tests, benches and documentation: a small team's board at a fixed moment, and one as large as a board gets.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::answer::{
    HistoryLine, MemberRow, Plan, Preflight, PreflightState, ProjectRow, PullRequestDraft, PullRequestRow, RepositoryRow, RequestRow,
    ReviewerChoice, StartPlan, TaskRow, TaskState, TicketDetail, WebhookCard,
};
use super::model::{Base, Model, Settings};
use super::theme::{Charset, Depth, Theme, ThemeName};
use crate::domain::board::{Board, Card, PullRequestChip, Votes};
use crate::domain::health::{DeliverySource, HookHealth, Live, Receiver, Reconciled};
use crate::domain::hook::{Delivery, DeliveryState, Purpose, Subscription, SubscriptionState};
use crate::domain::id::{Guid, MemberId, ObjectId, ProjectId, RepositoryId, TicketKey};
use crate::domain::person::{Identity, ReviewRules};
use crate::domain::progress::{Progress, Step, StepState};
use crate::domain::pull_request::{Checks, KnownPullRequest, MergeState, PullRequest, PullRequestStatus, Reviewer, Source, Threads, Vote};
use crate::domain::spec::Spec;
use crate::domain::status::Status;
use crate::domain::ticket::{Priority, PullRequestRef, SpecBadge, SpecState, Ticket, Times};
use crate::notice::Notice;

/// 22 November 2026, nine in the morning.
pub fn now() -> Timestamp {
    Timestamp::from_second(1_795_338_000).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn ago(seconds: i64) -> Timestamp {
    now() - SignedDuration::from_secs(seconds)
}

pub fn theme() -> Theme {
    Theme::new(ThemeName::Dark, Depth::True, Charset::Unicode)
}

pub fn key(number: u32) -> TicketKey {
    TicketKey::new("ATL", number).unwrap_or_else(|error| unreachable!("{error}"))
}

fn me() -> Identity {
    identity("alice", "Alice Moreau")
}

fn identity(id: &str, name: &str) -> Identity {
    Identity {
        id: Guid::new(format!("00000000-0000-0000-0000-{id:0>12}")),
        display_name: name.into(),
        unique_name: format!("{id}@lumen.example"),
    }
}

pub fn project() -> ProjectRow {
    ProjectRow {
        id: ProjectId(1),
        name: "Atlas".into(),
        organisation: "lumen".into(),
        prefix: "ATL".into(),
        me: Some(me().id),
        me_name: Some(me().display_name),
        rules: ReviewRules::default(),
    }
}

fn card(number: u32, title: &str, status: Status) -> Card {
    Card {
        key: key(number),
        title: title.into(),
        status,
        assignee: None,
        assigned_to_me: false,
        repository: Some("gateway".into()),
        branch: (status != Status::Todo).then(|| format!("feature/{}", key(number))),
        labels: Vec::new(),
        priority: None,
        criteria_done: 0,
        criteria_total: 4,
        spec: if status == Status::Todo { SpecBadge::Local } else { SpecBadge::Pushed },
        pull_request: None,
        notice: None,
        updated_at: ago(3_600),
        version: 1,
    }
}

trait With {
    fn with(self, change: impl FnOnce(&mut Self)) -> Self;
}

impl With for Card {
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

fn by(card: &mut Card, name: &str) {
    card.assignee = Some(name.into());
    card.assigned_to_me = name == me().display_name;
}

fn chip(number: i64, seen: i64) -> PullRequestChip {
    PullRequestChip {
        number,
        status: PullRequestStatus::Active,
        is_draft: false,
        auto_complete: false,
        merge: MergeState::Succeeded,
        votes: Votes::default(),
        checks: None,
        threads: None,
        source: Source::Poll,
        seen_at: ago(seen),
    }
}

/// The cards of a small team.
pub fn cards() -> Vec<Card> {
    vec![
        card(12, "Retry failed webhook deliveries with a growing pause", Status::Todo).with(|c| {
            c.priority = Some(1);
            c.labels = vec!["api".into()];
        }),
        card(14, "Show the reason when a login is refused", Status::Todo).with(|c| by(c, "Alice Moreau")),
        card(17, "Export the audit log as CSV", Status::Todo).with(|c| c.labels = vec!["reporting".into()]),
        card(18, "日本語のタイトル: 支払い画面の表示を直す", Status::Todo),
        card(9, "Cache the price list per region", Status::InProgress).with(|c| {
            by(c, "Alice Moreau");
            c.criteria_done = 2;
            c.spec = SpecBadge::Draft;
        }),
        card(11, "Rate limit the public search", Status::InProgress).with(|c| {
            by(c, "Bob Okafor");
            c.criteria_done = 1;
            c.notice = Some("pull request 38 was abandoned".into());
        }),
        card(4, "Rotate signing keys without a restart", Status::PrOpen).with(|c| {
            by(c, "Alice Moreau");
            c.criteria_done = 3;
            c.pull_request = Some(PullRequestChip {
                votes: Votes { approved: 1, open: 1, ..Votes::default() },
                checks: Some(Checks { passed: 3, failed: 0, pending: 0 }),
                threads: Some(Threads { unresolved: 2, resolved: 1 }),
                ..chip(41, 240)
            });
        }),
        card(6, "Accept payments in Swiss francs", Status::PrOpen).with(|c| {
            by(c, "Chen Wei");
            c.criteria_done = 4;
            c.pull_request = Some(PullRequestChip {
                votes: Votes { rejected: 1, ..Votes::default() },
                checks: Some(Checks { passed: 1, failed: 2, pending: 0 }),
                merge: MergeState::Conflicts,
                ..chip(39, 720)
            });
        }),
        card(8, "Describe errors of the import in words", Status::PrOpen).with(|c| {
            by(c, "Dana Silva");
            c.pull_request = Some(PullRequestChip { is_draft: true, source: Source::Hook, ..chip(44, 3) });
        }),
        card(2, "Log in with a passkey", Status::Merged).with(|c| {
            by(c, "Bob Okafor");
            c.criteria_done = 4;
            c.pull_request = Some(PullRequestChip { status: PullRequestStatus::Completed, ..chip(33, 7_200) });
        }),
        card(1, "Health endpoint for the load balancer", Status::Done).with(|c| {
            by(c, "Dana Silva");
            c.criteria_done = 4;
            c.pull_request = Some(PullRequestChip { status: PullRequestStatus::Completed, ..chip(30, 90_000) });
        }),
    ]
}

fn with_board(cards: Vec<Card>) -> Model {
    let mut settings = Settings::default();
    settings.columns[2].wip_limit = Some(4);
    let mut model = Model::new(now(), settings);
    model.project = Some(project());
    model.base = Base::Board;
    model.sync.asked_at = Some(ago(5));
    model.board.board = Some(Box::new(Board {
        project: ProjectId(1),
        project_name: "Atlas".into(),
        organisation_name: "lumen".into(),
        cards,
        synced_at: Some(ago(240)),
    }));
    model.board.arrange(&model.settings.columns);
    model
}

/// The board of a small team, 120 by 40, the first card selected.
pub fn board() -> Model {
    let mut model = with_board(cards());
    (model.width, model.height) = (120, 40);
    model
}

/// A board of as many cards as wanted, 120 by 40.
pub fn large_board(count: u32) -> Model {
    let cards = (1..=count)
        .map(|number| {
            let status = Status::ALL[number as usize % 5];
            card(number, &format!("Ticket number {number} with a title of a usual length"), status).with(|c| {
                by(c, ["Alice Moreau", "Bob Okafor", "Chen Wei"][number as usize % 3]);
                if status == Status::PrOpen && number % 4 == 0 {
                    c.pull_request = Some(PullRequestChip {
                        votes: Votes { approved: 1, ..Votes::default() },
                        checks: Some(Checks { passed: 2, ..Checks::default() }),
                        ..chip(i64::from(number), 60)
                    });
                }
            })
        })
        .collect();
    let mut model = with_board(cards);
    (model.width, model.height) = (120, 40);
    model
}

/// A spec with all six sections and a little of every kind of markdown.
pub const SPEC: &str = "\
# ATL-4: Rotate signing keys without a restart

## Overview

Parent story: ATL-1

Tokens are signed with one key that is read at start. Operators want to **rotate** it while the gateway runs, and old tokens
must stay valid until they expire.

## Acceptance criteria

- [x] a new key is picked up within a minute
- [x] tokens of the old key stay valid for their life
- [x] the key set endpoint lists both keys
- [ ] a broken key file is refused and the old key stays

## Architecture notes

`KeyRing` holds the current and the previous key; see [the design](https://lumen.example/design).

```rust
pub struct KeyRing { current: Key, previous: Option<Key> }
```

> Nothing is written to disk.

## Implementation steps

1. watch the file
2. load and check it
3. swap the ring

## Files to modify

| file | why |
|------|-----|
| src/keys.rs | the ring |
| src/tokens.rs | sign with the current key |

## Context

Follows ATL-2. Blocks nothing.
";

pub fn pull_request() -> KnownPullRequest {
    let reviewer = |id: &str, name: &str, vote, required| Reviewer { identity: identity(id, name), vote, required, is_group: false };
    KnownPullRequest {
        facts: PullRequest {
            repository: RepositoryId(1),
            number: 41,
            title: "ATL-4: Rotate signing keys without a restart".into(),
            description: "Tokens are signed with one key.\n\n## Acceptance criteria\n\n- [x] a new key is picked up\n- [ ] a broken key file is refused\n".into(),
            status: PullRequestStatus::Active,
            is_draft: false,
            source_branch: "feature/ATL-4".into(),
            target_branch: "main".into(),
            author: me(),
            created_at: ago(26_000),
            closed_at: None,
            merge: MergeState::Succeeded,
            auto_complete: false,
            reviewers: vec![
                reviewer("bob", "Bob Okafor", Vote::Approved, true),
                reviewer("chen", "Chen Wei", Vote::None, false),
            ],
            labels: Vec::new(),
            source_commit: None,
            target_commit: None,
            merge_commit: None,
        },
        repository_name: "gateway".into(),
        web_url: Some("https://dev.azure.com/lumen/Atlas/_git/gateway/pullrequest/41".into()),
        checks: Some(Checks { passed: 3, failed: 0, pending: 0 }),
        threads: Some(Threads { unresolved: 2, resolved: 1 }),
        source: Source::Poll,
        seen_at: ago(240),
        detail_at: Some(ago(240)),
    }
}

/// Everything about the ticket of a card.
pub fn detail(number: u32) -> TicketDetail {
    let card = cards().into_iter().find(|card| card.key == key(number)).unwrap_or_else(|| card(number, "A ticket", Status::Todo));
    let text = SPEC.replace("ATL-4", &card.key.to_string()).replace("Rotate signing keys without a restart", &card.title);
    let spec = Spec::parse(&text);
    let started = (card.status != Status::Todo).then(|| ago(90_000));
    let object = started.map(|_| ObjectId::new("1a2b3c4d5e6f70819293a4b5c6d7e8f901234567"));
    TicketDetail {
        ticket: Ticket {
            key: card.key.clone(),
            project: ProjectId(1),
            title: card.title.clone(),
            description: spec.description().into(),
            parent_story: spec.parent_story().map(Into::into),
            criteria: spec.criteria(),
            assignee: card.assignee.as_ref().map(|_| MemberId(1)),
            repository: Some(RepositoryId(1)),
            branch: card.branch.clone(),
            labels: card.labels.clone(),
            priority: card.priority.and_then(Priority::new),
            estimate_hours: None,
            dependencies: Vec::new(),
            status: card.status,
            pull_request: card.pull_request.as_ref().map(|chip| PullRequestRef { repository: RepositoryId(1), number: chip.number }),
            notice: card.notice.clone(),
            archived: false,
            times: Times { created_at: ago(180_000), updated_at: ago(3_600), started_at: started, ..Times::default() },
            version: 1,
        },
        spec: SpecState { base_text: object.as_ref().map(|_| text.clone()), base_object: object, remote_object: None, text, revision: 3 },
        repository_name: Some("gateway".into()),
        target_branch: Some("main".into()),
        assignee_name: card.assignee.clone(),
        pull_request: card.pull_request.as_ref().map(|_| pull_request()),
        history: vec![
            HistoryLine { at: ago(180_000), words: "made by Alice Moreau".into() },
            HistoryLine { at: ago(90_000), words: format!("work started on feature/{}", card.key) },
            HistoryLine { at: ago(26_000), words: "pull request 41 was opened".into() },
        ],
    }
}

pub fn repositories() -> Vec<RepositoryRow> {
    [("gateway", Some("main"), true), ("billing", Some("develop"), true), ("sandbox", None, false)]
        .into_iter()
        .zip(1..)
        .map(|((name, target, linked), id)| RepositoryRow {
            id: RepositoryId(id),
            name: name.into(),
            target_branch: target.map(Into::into),
            linked,
            disabled: false,
        })
        .collect()
}

pub fn members() -> Vec<MemberRow> {
    [("alice", "Alice Moreau", 1), ("bob", "Bob Okafor", 1), ("chen", "Chen Wei", 3), ("dana", "Dana Silva", 0)]
        .into_iter()
        .zip(1..)
        .map(|((account, name, reviews), id)| MemberRow {
            id: MemberId(id),
            identity: identity(account, name).id,
            name: name.into(),
            account: format!("{account}@lumen.example"),
            can_review: account != "dana",
            default_reviewer: (account == "alice").then_some(MemberId(2)),
            active_reviews: Some(reviews),
        })
        .collect()
}

pub fn start_plan(number: u32) -> StartPlan {
    let key = key(number);
    let step = |id, words: String| Step { id, words, state: StepState::Waiting };
    StartPlan {
        progress: Progress {
            action: "start",
            subject: Some(key.clone()),
            steps: vec![
                step("branch", format!("create branch feature/{key} from main at 1a2b3c4d")),
                step("spec", format!("push {}", key.spec_path())),
                step("status", "move to In Progress, assign to Alice Moreau".into()),
            ],
        },
        warnings: Vec::new(),
        refused: None,
        existing_branch: None,
        repository: Some(RepositoryId(1)),
        repositories: repositories().into_iter().filter(|row| row.linked).collect(),
    }
}

/// A start that is running its second step.
pub fn start_task(number: u32) -> TaskRow {
    let mut progress = start_plan(number).progress;
    progress.steps[0].state = StepState::Done("feature made".into());
    progress.steps[1].state = StepState::Running;
    TaskRow {
        id: 7,
        title: format!("start work on {}", key(number)),
        subject: Some(key(number)),
        progress,
        state: TaskState::Running,
        started_at: ago(2),
        finished_at: None,
    }
}

pub fn pull_request_draft() -> PullRequestDraft {
    let spec = Spec::parse(SPEC);
    let mut body = format!("{}\n\n## Acceptance criteria\n\n", spec.description());
    for criterion in spec.criteria() {
        let _ = writeln!(body, "- [{}] {}", if criterion.ticked { 'x' } else { ' ' }, criterion.text);
    }
    body.push_str("\nSpec: `.tickets/ATL-9.md`\n");
    let ok = |words: &str| Preflight { words: words.into(), state: PreflightState::Ok };
    PullRequestDraft {
        title: "ATL-9: Cache the price list per region".into(),
        body,
        source_branch: "feature/ATL-9".into(),
        target_branch: "main".into(),
        reviewers: vec![
            ReviewerChoice { member: MemberId(2), name: "Bob Okafor".into(), active_reviews: 1 },
            ReviewerChoice { member: MemberId(3), name: "Chen Wei".into(), active_reviews: 3 },
        ],
        chosen: Some(MemberId(2)),
        reviewer_reason: "Bob Okafor: 1 open review; Chen Wei has 3".into(),
        work_items: Vec::new(),
        preflight: vec![ok("the branch is 3 commits ahead of main"), ok("no pull request is open for the branch")],
        existing: None,
    }
}

pub fn pull_request_rows() -> Vec<PullRequestRow> {
    let base = pull_request();
    let row = |number: i64, title: &str, author: Identity, ticket: Option<u32>, change: &dyn Fn(&mut KnownPullRequest)| {
        let mut known = base.clone();
        known.facts.number = number;
        known.facts.title = title.into();
        known.facts.author = author;
        change(&mut known);
        PullRequestRow { pull_request: known, ticket: ticket.map(key) }
    };
    vec![
        row(41, "ATL-4: Rotate signing keys without a restart", me(), Some(4), &|_| {}),
        row(45, "Bump the base image", me(), None, &|known| {
            known.facts.reviewers.clear();
            known.checks = Some(Checks { passed: 0, failed: 0, pending: 2 });
            known.threads = None;
            known.repository_name = "billing".into();
            known.seen_at = ago(30);
        }),
        row(39, "ATL-6: Accept payments in Swiss francs", identity("chen", "Chen Wei"), Some(6), &|known| {
            known.facts.reviewers = vec![Reviewer { identity: me(), vote: Vote::None, required: true, is_group: false }];
            known.facts.merge = MergeState::Conflicts;
            known.checks = Some(Checks { passed: 1, failed: 2, pending: 0 });
            known.seen_at = ago(720);
        }),
        row(44, "ATL-8: Describe errors of the import in words", identity("dana", "Dana Silva"), Some(8), &|known| {
            known.facts.is_draft = true;
            known.source = Source::Hook;
            known.seen_at = ago(3);
        }),
        row(33, "ATL-2: Log in with a passkey", identity("bob", "Bob Okafor"), Some(2), &|known| {
            known.facts.status = PullRequestStatus::Completed;
        }),
    ]
}

fn subscription_id(number: usize) -> Guid {
    Guid::new(format!("0a1b2c3d-0000-4000-8000-{number:0>12}"))
}

/// Deliveries of every kind, newest first.
pub fn deliveries() -> Vec<Delivery> {
    let rows = [
        ("pull-request-vote", "git.pullrequest.updated", DeliveryState::Waiting, 0, None),
        ("pull-request-merged", "git.pullrequest.merged", DeliveryState::Applied, 1, Some("!33 of gateway: ATL-2 is now Merged")),
        ("push", "git.push", DeliveryState::Ignored, 1, Some("main of billing: no spec is on it")),
        (
            "pull-request-comment",
            "ms.vss-code.git-pullrequest-comment-event",
            DeliveryState::Parked,
            5,
            Some("dev.azure.com does not answer"),
        ),
        ("", "workitem.exploded", DeliveryState::Dead, 1, Some("the event type is not known")),
        ("build-completed", "build.complete", DeliveryState::Test, 0, Some("a test of Azure DevOps")),
        ("pull-request-created", "git.pullrequest.created", DeliveryState::Quarantined, 0, Some("it is of project 3f2a and not of Atlas")),
        ("pull-request-push", "git.pullrequest.updated", DeliveryState::Waiting, 2, Some("gateway !41: 503; again in 20 s")),
    ];
    rows.into_iter()
        .zip(0_i64..)
        .map(|((purpose, event_type, state, tries, words), at)| Delivery {
            id: 812 - at,
            project: ProjectId(1),
            purpose: Some(purpose).filter(|purpose| !purpose.is_empty()).map(str::to_owned),
            event_type: Some(event_type.into()),
            event_id: Some(format!("6872ee8c-b333-4eff-bfb9-0000000000{at:0>2}")),
            subscription: Some(subscription_id(1)),
            notification: Some(97 - at),
            received_at: ago(3 + at * at * 977),
            bytes: 4_700,
            state,
            tries,
            words: words.map(str::to_owned),
            settled_at: (state != DeliveryState::Waiting).then(|| ago(2 + at * at * 977)),
        })
        .collect()
}

/// A project whose hooks work but for one.
pub fn hook_health() -> HookHealth {
    let subscription = |(purpose, number): (Purpose, usize)| Subscription {
        id: i64::try_from(number).unwrap_or(0),
        project: ProjectId(1),
        purpose,
        remote: Some(subscription_id(number)),
        url: format!("https://kanado.lumen.example/api/webhooks/ado/5f1c6f5e-7b0a-4f0e-9d3c-000000000001/{}", purpose.word()),
        state: if purpose == Purpose::PullRequestVote { SubscriptionState::OnProbation } else { SubscriptionState::Enabled },
        problem: (purpose == Purpose::PullRequestVote)
            .then(|| "Azure DevOps got 503 from the receiver; events are lost until a probe succeeds".into()),
        identity: Some("Kanado Service".into()),
        created_at: ago(900_000),
        verified_at: Some(ago(899_000)),
        checked_at: Some(ago(120)),
    };
    HookHealth {
        live: Live::Broken("1 hook on probation".into()),
        receivers: vec![Receiver {
            name: "kanado serve on build-7 (4711) at 0.0.0.0:8090".into(),
            until: now() + SignedDuration::from_secs(70),
        }],
        subscriptions: Purpose::ALL.into_iter().take(12).zip(1..).map(subscription).collect(),
        sources: vec![
            DeliverySource { subscription: Some(subscription_id(1)), deliveries: 97, last_at: ago(3), gaps: 0 },
            DeliverySource { subscription: Some(subscription_id(6)), deliveries: 41, last_at: ago(4_000), gaps: 2 },
            DeliverySource { subscription: Some(subscription_id(99)), deliveries: 5, last_at: ago(9_000), gaps: 1 },
        ],
        waiting: 2,
        dead: 1,
        parked: 1,
        quarantined: 1,
        last_delivery_at: Some(ago(3)),
        reconciled: Reconciled { attempted_at: Some(ago(600)), done_at: Some(ago(598)), failed: None, healed_last: 1, healed_total: 14 },
    }
}

pub fn requests() -> Vec<RequestRow> {
    let rows = [
        ("GET", "/lumen/_apis/git/repositories/0b1c/pullrequests", Some(200), 181, None),
        ("POST", "/lumen/_apis/hooks/subscriptions", Some(403), 92, None),
        ("GET", "/lumen/5f1c/_apis/policy/evaluations", None, 30_000, Some("timed out")),
        ("GET", "/lumen/_apis/git/repositories/0b1c/refs", Some(503), 12, None),
    ];
    rows.into_iter()
        .zip(1..)
        .map(|((method, path, status, duration_ms, trouble), at)| RequestRow {
            at: ago(at * 7),
            method: method.into(),
            path: path.into(),
            status,
            duration_ms,
            activity_id: status.map(|_| format!("7e9c1c0a-1111-4222-8333-00000000000{at}")),
            trouble,
        })
        .collect()
}

/// Tasks of every kind, oldest first.
pub fn tasks() -> Vec<TaskRow> {
    let task = |id, title: &str, state, took| TaskRow {
        id,
        title: title.into(),
        subject: None,
        progress: start_plan(9).progress,
        state,
        started_at: ago(4_000 - i64::try_from(id).unwrap_or(0) * 60),
        finished_at: Some(ago(4_000 - i64::try_from(id).unwrap_or(0) * 60 - took)),
    };
    let failed = Notice::new("could not push .tickets/ATL-9.md: dev.azure.com does not answer").hint("check the network; nothing is lost");
    vec![
        task(1, "start work on ATL-4", TaskState::Done("ATL-4 is in progress on feature/ATL-4".into()), 2),
        task(2, "push the spec of ATL-9", TaskState::Failed(failed), 30),
        task(3, "sync", TaskState::Cancelled, 1),
        start_task(12),
    ]
}

pub fn webhook_card() -> WebhookCard {
    WebhookCard {
        url: Ok("https://kanado.lumen.example/api/webhooks/ado/5f1c6f5e-7b0a-4f0e-9d3c-000000000001".into()),
        secrets: vec![(ago(9_000), None), (ago(900_000), Some(now() + SignedDuration::from_hours(20)))],
        health: hook_health(),
    }
}

/// What registering the webhooks would do.
pub fn hook_plan() -> Plan {
    let step = |id, words: &str| Step { id, words: words.into(), state: StepState::Waiting };
    Plan {
        progress: Progress {
            action: "hooks register",
            subject: None,
            steps: vec![
                step("vote", "make again: vote, which is on probation"),
                step("push", "register: push"),
                step("verify", "send a test notification for each"),
            ],
        },
        warnings: vec![
            Notice::new("a hook that kanado did not make calls the same address").hint("the same event may arrive twice; it counts once"),
        ],
        refused: None,
    }
}
