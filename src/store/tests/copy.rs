//! A store copied into another one, of the same engine and of the other.

use std::collections::BTreeSet;

use super::*;
use crate::domain::hook::{DeliveryState, Purpose};
use crate::domain::id::ObjectId;
use crate::domain::pull_request::{Checks, Source};

/// Something in every table.
async fn lived_in() -> Desk {
    let desk = Desk::new().await;
    let store = &desk.store;
    let key = desk.started("Odd: 'quotes' \"double\" \\ 日本 📈").await;
    desk.ticket("second").await;
    store.record_spec_pushed(&key, "text", &ObjectId::new("a".repeat(40)), at(11)).await.unwrap();
    let change = TicketChange { estimate_hours: Some(Some(2.5)), ..TicketChange::default() };
    let version = store.ticket(&key).await.unwrap().unwrap().version;
    store.update_ticket(&key, version, &change, at(12)).await.unwrap();
    // Whoever comes first in the table points at somebody later.
    let mapped = MemberChange { can_review: Some(true), default_reviewer: Some(Some(desk.grace)) };
    store.set_member(desk.ada, &mapped).await.unwrap();
    let fact = pull_request(3, &key, PullRequestStatus::Active, 11);
    store.ingest(desk.project, &[fact], Listing::Some, Source::Poll, &IngestRules::default(), at(13)).await.unwrap();
    store.put_pull_request_detail(desk.repository, 3, Some(Checks { passed: 1, failed: 2, pending: 3 }), None, at(14)).await.unwrap();
    let journal = store.begin("start", "LUM-9", "{}", at(15)).await.unwrap();
    store.step(journal, "branch", "{}", at(15)).await.unwrap();
    store.set_setting("theme", "dark").await.unwrap();
    store.set_cursor("prs:1", "x").await.unwrap();
    store.add_secret(desk.project, &[7; 32], None, at(16)).await.unwrap();
    let new = NewSubscription {
        project: desk.project,
        purpose: Purpose::Push,
        url: "https://board.example.test/push".to_owned(),
        inputs: "{}".to_owned(),
        digest: [8; 32],
        identity: None,
    };
    store.begin_subscription(&new, at(16)).await.unwrap();
    for number in 0..250 {
        let body = if number == 7 { (0..=255).cycle().take(3 << 20).collect() } else { vec![0, 159, number as u8] };
        let delivery = NewDelivery {
            project: desk.project,
            dedupe: format!("d{number}"),
            purpose: None,
            event_type: Some("git.push".to_owned()),
            event_id: None,
            subscription: None,
            notification: Some(number),
            received_at: at(17),
            body,
            state: DeliveryState::Waiting,
            words: None,
        };
        store.keep_delivery(delivery).await.unwrap();
    }
    store.record_reconciled(desk.project, &Reconciliation { attempted_at: at(18), outcome: Ok(2) }).await.unwrap();
    store.hold_lease("receiver:x", "me", None, at(19), at(18)).await.unwrap();
    delivered(&desk).await;
    desk
}

/// Something in every table of delivery facts.
async fn delivered(desk: &Desk) {
    use crate::domain::run::*;
    let (store, project, api) = (&desk.store, desk.project, desk.repository);
    let sha = |digit: &str| ObjectId::new(digit.repeat(40));
    store.measure_project(project, at(-100)).await.unwrap();
    let build = super::delivery::build(9, 7, RunStatus::Completed, Some(30));
    store.put_builds(project, &[build], None).await.unwrap();
    store.put_environments(project, &[Environment { number: 5, name: "prod".to_owned() }], None).await.unwrap();
    let stage = Stage {
        name: "Ship".to_owned(),
        display_name: "Ship it".to_owned(),
        attempt: 2,
        result: StageResult::Succeeded,
        started_at: Some(at(20)),
        finished_at: Some(at(29)),
        approval_from: Some(at(18)),
        approval_to: Some(at(19)),
        earlier: vec![],
    };
    store.put_timeline(project, 9, &[stage], at(31), None).await.unwrap();
    let decided = Some(crate::metrics::input::Decided::Production);
    store.decide_production(project, DefinitionKind::Pipeline, 7, "Ship", None, decided, at(32)).await.unwrap();
    let push = BranchPush { number: 1, branch: "main".to_owned(), old: sha("0"), new: sha("1"), at: at(28), pusher: None };
    store.put_pushes(api, &[push], None).await.unwrap();
    let commit = fact::Commit {
        id: sha("1"),
        author_name: "Ada".to_owned(),
        author_email: String::new(),
        authored_at: Some(at(27)),
        committed_at: Some(at(28)),
        message: "Ship #12".to_owned(),
        is_cut: false,
        parents: vec![],
        changes: None,
    };
    store.put_commits(api, &[commit], None).await.unwrap();
    store.put_compare(api, &sha("0"), &sha("1"), &[sha("1")], None).await.unwrap();
    let listed = crate::store::HistoryUpdate::Listed(pull_request(3, &key("LUM-1"), PullRequestStatus::Active, 11));
    store.put_histories(project, vec![listed], at(33), None).await.unwrap();
    let item = crate::domain::work_item::WorkItem {
        number: 12,
        revision: 1,
        kind: "Issue".to_owned(),
        state: "New".to_owned(),
        title: "odd 'title'".to_owned(),
        tags: vec!["a".to_owned()],
        area: "Lumen".to_owned(),
        created_at: Some(at(1)),
        changed_at: None,
        resolved_at: None,
    };
    store.put_work_items(project, &[item], None).await.unwrap();
    let target = crate::domain::work_item::LinkTarget::PullRequest { number: 3 };
    store.put_links(project, &[(12, api, target, crate::domain::work_item::Via::Link)]).await.unwrap();
    let comment = crate::store::QualityComment {
        repository: api,
        number: 3,
        thread: Some(1),
        comment: Some(2),
        digest: "d".to_owned(),
        state: crate::store::CommentState::Open,
        written_at: Some(at(34)),
    };
    store.put_quality_comment(&comment).await.unwrap();
    store.put_team_members(project, &Guid::new("t1"), "Core", &[Guid::new("ada")]).await.unwrap();
    store.set_project_setting(project, "comments", Some("on")).await.unwrap();
    let organisation = store.project(project).await.unwrap().unwrap().organisation;
    assert!(store.put_rate_limit(organisation, &rate_limit(at(35))).await.unwrap());
}

/// What a store says of itself, through the doors that everybody uses.
async fn told(store: &Store, project: ProjectId) -> String {
    let mut words = format!("{:?}", store.board(project, None).await.unwrap());
    for ticket in store.tickets(project, Archived::Shown).await.unwrap() {
        words += &format!("{:?}", store.ticket_view(&ticket.key).await.unwrap());
    }
    words += &format!("{:?} {:?}", store.members(project).await.unwrap(), store.repositories(project).await.unwrap());
    words += &format!("{:?} {:?}", store.open_journals().await.unwrap(), store.setting("theme").await.unwrap());
    words += &format!("{:?}", store.subscriptions(project).await.unwrap());
    words += &format!("{:?}", store.accepted_secrets(at(20)).await.unwrap().iter().map(|s| s.digest).collect::<Vec<_>>());
    for delivery in store.deliveries(None, DeliveryFilter::All, 1_000).await.unwrap() {
        words += &format!("{delivery:?} {:?}", store.delivery_body(delivery.id).await.unwrap());
    }
    words += &format!("{:?} {:?}", store.collection(project).await.unwrap(), store.stage_kinds(&[project]).await.unwrap());
    words += &format!("{:?}", store.builds(project, &crate::store::BuildFilter::default(), 9).await.unwrap());
    words += &format!("{:?}", store.flow_rows(project, at(-1_000)).await.unwrap());
    words += &format!("{:?} {:?}", store.work_item(project, 12).await.unwrap(), store.links_of_item(project, 12).await.unwrap());
    words += &format!("{:?}", store.rate_limits().await.unwrap());
    words += &format!("{:?} {:?}", store.quality_comments(project).await.unwrap(), store.teams(project).await.unwrap());
    words + &format!("{:?} {:?}", store.reconciled(project).await.unwrap(), store.rows().await.unwrap())
}

async fn what_is_copied_to_the_other_engine_and_back_is_the_same() {
    let desk = lived_in().await;
    let before = told(&desk.store, desk.project).await;
    assert!(desk.store.rows().await.unwrap().iter().all(|table| table.rows > 0), "every table is tried: {:?}", desk.store.rows().await);

    // By way of a file; where the story is told of a server, that is the other engine.
    let directory = tempfile::tempdir().unwrap();
    let file = Store::open(&Location::in_directory(directory.path())).await.unwrap();
    let copied = desk.store.copy_to(&file).await.unwrap();
    assert_eq!(copied, desk.store.rows().await.unwrap());
    assert_eq!(told(&file, desk.project).await, before);
    assert!(file.leases_like("", at(18)).await.unwrap().is_empty(), "nobody receives for the copy");

    let elsewhere = tempfile::tempdir().unwrap();
    let back = Store::open(&engines::fresh_location(elsewhere.path()).await).await.unwrap();
    file.copy_to(&back).await.unwrap();
    assert_eq!(told(&back, desk.project).await, before);

    // Life goes on in the copy: no number is issued twice.
    let ticket = back.create_ticket(desk.new_ticket("third"), at(30)).await.unwrap();
    assert_eq!(ticket.key, key("LUM-3"));
    assert_eq!(back.put_repositories(desk.project, &[repository("new")]).await.unwrap().len(), 3);
}

async fn a_place_that_is_not_empty_is_refused_and_left_alone() {
    let (desk, other) = (Desk::new().await, Desk::new().await);
    desk.ticket("mine").await;
    let before = told(&other.store, other.project).await;
    let error = desk.store.copy_to(&other.store).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(told(&other.store, other.project).await, before);
    assert!(desk.store.copy_to(&desk.store).await.is_err(), "and into itself");
}

async fn every_table_is_copied_or_left_out_on_purpose() {
    let desk = Desk::new().await;
    let sql = match desk.store.engine() {
        Engine::Sqlite => "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
        Engine::Postgres => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()",
    };
    let there: BTreeSet<String> = sqlx::query_scalar(sql).fetch_all(&desk.store.inner.readers).await.unwrap().into_iter().collect();
    let copied = desk.store.rows().await.unwrap().into_iter().map(|table| table.table);
    let known: BTreeSet<String> = copied.chain(crate::store::copy::LEFT_OUT.iter().copied()).map(str::to_owned).collect();
    assert_eq!(there, known);
}

async fn a_backup_is_a_whole_store_that_only_its_owner_can_read() {
    let desk = lived_in().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deep/backup.db");
    let rows = desk.store.back_up(&file).await.unwrap();
    assert_eq!(rows, desk.store.rows().await.unwrap());
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).unwrap().permissions()) & 0o077, 0);
    assert_eq!(std::fs::read_dir(file.parent().unwrap()).unwrap().count(), 1, "one file, with nothing beside it");
    let again = desk.store.back_up(&file).await.unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");
    let backup = Store::open(&Location::Sqlite(file)).await.unwrap();
    assert_eq!(told(&backup, desk.project).await, told(&desk.store, desk.project).await);
}

on_both!(
    what_is_copied_to_the_other_engine_and_back_is_the_same,
    a_place_that_is_not_empty_is_refused_and_left_alone,
    every_table_is_copied_or_left_out_on_purpose,
    a_backup_is_a_whole_store_that_only_its_owner_can_read,
);

#[tokio::test]
async fn a_text_the_server_cannot_keep_stops_the_copy_and_leaves_nothing_behind() {
    let Some(_) = engines::server() else {
        eprintln!("not run on PostgreSQL, since KANADO_TEST_POSTGRES names no server");
        return;
    };
    let desk = Desk::new().await;
    desk.store.set_setting("a", "nul\0here").await.unwrap();
    engines::on_postgres("a_text_the_server_cannot_keep", async {
        let target = Store::open(&engines::fresh_location(desk.directory.path()).await).await.unwrap();
        let error = desk.store.copy_to(&target).await.unwrap_err().to_string();
        assert!(error.contains("copy the table settings") && error.contains("NUL"), "{error}");
        assert!(target.rows().await.unwrap().iter().all(|table| table.rows == 0));
    })
    .await;
}
