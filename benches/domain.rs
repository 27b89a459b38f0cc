//! How long the pure rules take: a spec of 64 KB read and written, its merge, and a filter over ten thousand cards.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use kanado::domain::board::Card;
use kanado::domain::id::TicketKey;
use kanado::domain::merge;
use kanado::domain::spec::{Section, Spec, Template, template};
use kanado::domain::status::Status;
use kanado::domain::ticket::{self, Filter, SpecBadge};

const SIZE: usize = 64 * 1024;

fn key() -> TicketKey {
    TicketKey::new("KAN", 4).expect("a valid key")
}

/// A spec of 64 KB with prose, code, lists and eighty criteria.
fn large_spec() -> String {
    let criteria: Vec<_> = (0..80)
        .map(|n| ticket::Criterion { text: format!("criterion {n} holds for **every** user of `login`"), ticked: n % 3 == 0 })
        .collect();
    let key = key();
    let text = template(&Template {
        key: &key,
        title: "Log in without a password",
        description: "People forget passwords.",
        parent_story: Some("Sign-in"),
        criteria: &criteria,
        dependencies: &[],
    });
    let paragraph = "The session table gets a column, see [the design](https://example.com/design) and `src/session.rs`; _nothing else_ changes.\n\n\
        - a point\n- another point with `code`\n\n```rust\nfn main() {\n    println!(\"- [ ] no criterion\");\n}\n```\n\n### A detail\n\n";
    let notes = paragraph.repeat((SIZE - text.len()) / paragraph.len());
    Spec::parse(&text).set_section(Section::ArchitectureNotes, &notes)
}

fn specs(c: &mut Criterion) {
    let text = large_spec();
    assert!((SIZE - 1024..=SIZE + 1024).contains(&text.len()), "{}", text.len());
    let mut group = c.benchmark_group("spec");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse and render 64 KB", |b| {
        b.iter(|| {
            let spec = Spec::parse(black_box(&text));
            black_box((spec.title().len(), spec.description().len(), spec.criteria().len(), spec.outline().len()));
            black_box(spec.toggle_criterion(7))
        });
    });
    let mine = text.replacen("criterion 3 ", "criterion three ", 1);
    let theirs = text.replacen("criterion 70 ", "criterion seventy ", 1);
    group.bench_function("merge 64 KB", |b| b.iter(|| merge::three_way(black_box(&text), black_box(&mine), black_box(&theirs))));
    group.finish();
}

fn filters(c: &mut Criterion) {
    let cards: Vec<_> = (1..=10_000u32)
        .map(|n| Card {
            key: TicketKey::new("KAN", n).expect("a valid key"),
            title: format!("Ticket {n} about the login form"),
            status: Status::ALL[n as usize % 5],
            assignee: Some(["Ann Bolt", "Bob Hill", "Cal Dunn"][n as usize % 3].to_owned()),
            assigned_to_me: n % 3 == 0,
            repository: Some("web".to_owned()),
            branch: None,
            labels: vec!["api".to_owned()],
            priority: None,
            criteria_done: 0,
            criteria_total: 4,
            spec: SpecBadge::Local,
            pull_request: None,
            notice: None,
            updated_at: Timestamp::UNIX_EPOCH,
            version: 1,
        })
        .collect();
    let filter = Filter::parse("@bob label:api login");
    c.bench_function("filter 10,000 cards", |b| b.iter(|| cards.iter().filter(|card| filter.matches(black_box(card))).count()));
}

criterion_group!(benches, specs, filters);
criterion_main!(benches);
