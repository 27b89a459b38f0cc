//! How long the screen takes: a frame of a large terminal with ten thousand cards, and a move of the cursor.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kanado::tui::encode::difference;
use kanado::tui::event::{Event, What};
use kanado::tui::fixture;
use kanado::tui::key::Key;
use kanado::tui::model::Model;
use kanado::tui::screen;
use kanado::tui::update::update;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

const CARDS: u32 = 10_000;

/// The board with its preview, as large as a terminal gets.
fn board() -> Model {
    let mut model = fixture::large_board(CARDS);
    let at = model.now;
    update(&mut model, Event::new(at, What::Resize { width: 200, height: 50 }));
    let number = model.board.selected.as_ref().map_or(1, |key| key.number());
    let mut detail = fixture::detail(number);
    if let Some(card) = model.board.selected_card() {
        detail.ticket.key = card.key.clone();
    }
    model.board.detail = Some(Box::new(detail));
    model
}

fn painted(model: &Model) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, model.width, model.height));
    screen::draw(model, &mut buffer);
    buffer
}

fn press(model: &mut Model, c: char) {
    let at = model.now;
    black_box(update(model, Event::new(at, What::Key(Key::char(c)))));
}

fn frames(c: &mut Criterion) {
    let model = board();
    let mut moved = board();
    press(&mut moved, 'j');
    let (first, second) = (painted(&model), painted(&moved));

    c.bench_function("board_200x50_10k/view", |b| b.iter(|| painted(black_box(&model))));
    c.bench_function("board_200x50_10k/diff", |b| b.iter(|| difference(black_box(&first), black_box(&second))));
    c.bench_function("board_200x50_10k/view_and_diff", |b| {
        b.iter(|| {
            let next = painted(black_box(&moved));
            difference(black_box(&first), &next)
        });
    });
}

fn updates(c: &mut Criterion) {
    let mut model = board();
    let mut down = true;
    c.bench_function("board_200x50_10k/move_the_cursor", |b| {
        b.iter(|| {
            press(&mut model, if down { 'j' } else { 'k' });
            down = !down;
        });
    });
    let mut model = board();
    c.bench_function("board_200x50_10k/arrange", |b| {
        b.iter(|| {
            let columns = &model.settings.columns;
            model.board.arrange(black_box(columns));
        });
    });
    let mut model = board();
    model.board.filter.set("@alice title");
    model.board.arrange(&model.settings.columns);
    c.bench_function("board_200x50_10k/view_filtered", |b| b.iter(|| painted(black_box(&model))));
}

criterion_group!(benches, frames, updates);
criterion_main!(benches);
