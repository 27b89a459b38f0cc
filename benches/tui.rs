//! What a frame and a key cost on a board of 10,000 tickets.
//!
//! `cargo bench --bench tui`

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::SignedDuration;
use kanado::tui::event::{Event, What};
use kanado::tui::key::Key;
use kanado::tui::model::Model;
use kanado::tui::{encode, fixture, screen, update, widget};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

fn large(width: u16, height: u16) -> Model {
    let mut model = fixture::large_board(10_000);
    update::update(&mut model, Event::new(fixture::now(), What::Resize { width, height }));
    model
}

fn frame(c: &mut Criterion) {
    let model = large(200, 50);
    let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 50));
    c.bench_function("paint a 200x50 board of 10,000 tickets", |b| {
        b.iter(|| {
            buffer.reset();
            screen::draw(&model, &mut buffer);
        });
    });
}

fn key(c: &mut Criterion) {
    let mut model = large(120, 40);
    let mut shown = Buffer::empty(Rect::new(0, 0, 120, 40));
    let mut next = shown.clone();
    let mut at = fixture::now();
    let keys = ['j', 'k'];
    let mut which = 0;
    c.bench_function("a key that moves the selection: update, paint, difference", |b| {
        b.iter(|| {
            at += SignedDuration::from_millis(1);
            which += 1;
            update::update(&mut model, Event::new(at, What::Key(Key::char(keys[which % 2]))));
            next.reset();
            screen::draw(&model, &mut next);
            let bytes = encode::difference(&shown, &next);
            std::mem::swap(&mut shown, &mut next);
            bytes.len()
        });
    });
}

fn filter(c: &mut Criterion) {
    let mut model = large(120, 40);
    c.bench_function("filter 10,000 cards", |b| {
        b.iter(|| {
            model.board.filter.set("@bob 77");
            model.board.arrange(&model.settings.columns);
            model.board.filter.clear();
        });
    });
}

fn markdown(c: &mut Criterion) {
    let spec = fixture::SPEC.repeat(64 * 1024 / fixture::SPEC.len());
    let theme = fixture::theme();
    c.bench_function("render 64 KB of markdown", |b| b.iter(|| widget::markdown::render(&spec, 100, &theme).lines.len()));
}

criterion_group!(benches, frame, key, filter, markdown);
criterion_main!(benches);
