//! A new token in place of the old one: nothing is collected again, hooks stay, figures stay. Also where it is another account's.

use jiff::SignedDuration;
use kanado::action::{Reporter, hooks, rotate_token};
use kanado::clock::Clock;
use kanado::metrics::figures::Figures;
use kanado::secret;
use kanado::sim;
use kanado::sim::generate::Size;
use kanado::sim::hooks::Loopback;

use crate::support::inside::receiving;
use crate::support::measured::{Measured, assert_same, figures};

/// Somebody at the other end of the hooks, who takes everything.
async fn receiver() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let taking = axum::Router::new().fallback(async || axum::http::StatusCode::OK);
    tokio::spawn(async move { axum::serve(listener, taking).await });
    url
}

fn start() -> jiff::Timestamp {
    "2026-11-19T09:00:00Z".parse().unwrap()
}

/// A small organisation, collected, with hooks.
async fn scene() -> Measured {
    let content = sim::Content::Generated(Size::S);
    let options =
        sim::Options { organisation: content, start: Some(start()), loopback_hooks: Loopback::Allowed, ..sim::Options::default() };
    let config = receiving(&receiver().await);
    let measured = Measured::with(options, Clock::fixed(start()), config, "everything").await;
    assert!(measured.collect().await.is_complete());
    let project = &measured.projects[0];
    hooks::generate(&measured.services.ctx, project).await.unwrap();
    hooks::register(&measured.services.ctx, project, hooks::Renew::Needed, &Reporter::silent()).await.unwrap();
    measured
}

/// Requests of the next refresh, in which nothing happened, by route: those about threads of active pull requests, which are read in
/// turn, and all others. Where services live, and in which version, is asked once by each
/// client.
async fn asked(measured: &Measured) -> (u64, Vec<(String, u64)>) {
    measured.services.ctx.clock.advance(SignedDuration::from_mins(15));
    measured.control().reset_requests();
    assert!(measured.collect().await.is_complete());
    let requests = measured.control().requests();
    let once = ["OPTIONS _apis", "GET resourceareas", "GET resourceAreas"];
    let others = requests.by_route.into_iter().filter(|(route, _)| !once.contains(&route.as_str()) && !route.ends_with("/threads"));
    (measured.asked("/threads"), others.collect())
}

fn subscriptions(measured: &Measured) -> Vec<String> {
    measured.control().subscriptions().into_iter().map(|one| format!("{} {}", one.id, one.event_type)).collect()
}

async fn rotate(measured: &Measured, token: &str) -> String {
    let ctx = &measured.services.ctx;
    let organisation = ctx.organisation(measured.projects[0].organisation).await.unwrap();
    let token = secret::given(token.as_bytes().to_vec()).unwrap();
    let (checked, _) = rotate_token::run(ctx, &organisation, &token, secret::Place::File).await.unwrap();
    checked.connection.me.unique_name
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_token_collects_nothing_again_and_leaves_hooks_and_figures_as_they_are() {
    let measured = scene().await;
    let control = measured.control();
    let hooks = subscriptions(&measured);
    assert!(hooks.len() >= 7, "one subscription a purpose: {hooks:?}");
    asked(&measured).await;
    let (_, plain) = asked(&measured).await;
    let lists: u64 = plain.iter().map(|(_, count)| count).sum();
    assert!((5..60).contains(&lists), "a refresh, and no backfill: {plain:?}");
    let active = measured.number("SELECT count(*) FROM flows WHERE status = 'active' AND threads_at IS NOT NULL").await as u64;
    let facts = measured.facts().await;
    let shown = figures(&measured.services, &measured.projects, 30, start()).await;

    control.issue_token("alice", "alice-second-token").await.unwrap();
    let old = measured.world.token("alice");
    for (token, account, leaving) in
        [("alice-second-token", "alice@lumen.example", old.as_str()), ("bob-token", "bob@lumen.example", "alice-second-token")]
    {
        assert_eq!(rotate(&measured, token).await, account);
        // Nothing goes by the old one any more.
        control.revoke_token(leaving).await.unwrap();
        let (threads, others) = asked(&measured).await;
        assert_eq!(others, plain, "after {token} as if nothing had happened");
        assert!(threads <= active.div_ceil(4), "{threads} of {active} are read, after {token}");
        assert_eq!(subscriptions(&measured), hooks, "hooks stay, after {token}");
        assert_same(&facts, &measured.facts().await);
        let now = figures(&measured.services, &measured.projects, 30, start()).await;
        assert_eq!(Figures { as_of: shown.as_of, ..now }, shown, "after {token} they are newer, and the same");
    }
}
