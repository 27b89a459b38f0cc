//! The screen as a person meets it: keys go in, pictures and effects come out. No terminal, no clock.

mod bindings;
mod catalogue;
mod consent;
mod failures;
mod fields;
mod gallery;
mod hostile;
mod journeys;
mod kept_text;
mod live;
mod metrics;
mod on_the_way;
mod reloads;
mod scenes;
mod screens;
mod typing;
mod watching;
mod webhooks;

use jiff::SignedDuration;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::effect::Effect;
use super::event::{Event, What};
use super::fixture;
use super::key::Key;
use super::model::Model;
use super::screen;
use super::update::update;

/// The terminals a screen is pictured in: half of a small one, the smallest usual one, two of laptops, a wide one.
const SIZES: [(u16, u16); 5] = [(60, 20), (80, 24), (120, 40), (160, 50), (200, 50)];

/// Applies something that happened, a second after the last.
pub fn happens(model: &mut Model, what: What) -> Vec<Effect> {
    let at = model.now + SignedDuration::from_secs(1);
    update(model, Event::new(at, what))
}

/// Presses keys, written as in the configuration with spaces between, a second apart.
pub fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in Key::parse_sequence(keys).expect(keys) {
        effects.extend(happens(model, What::Key(key)));
    }
    effects
}

/// Types a text, character by character.
pub fn typed(model: &mut Model, text: &str) -> Vec<Effect> {
    text.chars().flat_map(|c| happens(model, What::Key(Key::char(c)))).collect()
}

/// The painted buffer.
pub fn painted(model: &Model) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(model.width, model.height)).expect("a test terminal");
    terminal.draw(|frame| screen::draw(model, frame.buffer_mut())).expect("a frame");
    terminal.backend().buffer().clone()
}

/// The screen as lines of text.
pub fn picture(model: &Model) -> String {
    let buffer = painted(model);
    let mut lines = Vec::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buffer[(x, y)].symbol();
            skip = usize::from(super::widget::text::width(symbol)).saturating_sub(1);
            line.push_str(symbol);
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// The model at a size.
pub fn sized(mut model: Model, width: u16, height: u16) -> Model {
    happens(&mut model, What::Resize { width, height });
    model.now = fixture::now();
    model
}
