//! What went wrong is said once: in the dialog that shows the task while it is open, else at the foot.

use super::gallery::failed_start;
use super::scenes::go;
use super::*;
use crate::domain::progress::StepState;
use crate::tui::answer::TaskState;

const WHY: &str = "dev.azure.com does not answer";

fn times(model: &Model, words: &str) -> usize {
    // A dialog may wrap the words.
    let joined: Vec<String> =
        picture(model).split(|c: char| c.is_whitespace() || c == '│').filter(|w| !w.is_empty()).map(str::to_owned).collect();
    joined.join(" ").matches(words).count()
}

#[test]
fn a_failed_start_says_why_once_while_its_dialog_is_open() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "s y");
    let mut task = failed_start();
    // As the runner reports it: the step fails with the words of the error.
    let TaskState::Failed(notice) = task.state.clone() else { panic!("{task:?}") };
    task.progress.steps[1].state = StepState::Failed(notice.text);
    happens(&mut model, What::Tasks(vec![task]));
    assert_eq!(times(&model, WHY), 1, "{}", picture(&model));
    assert!(model.toast.is_none());
    assert!(picture(&model).contains("✗ push .tickets/ATL-12.md"), "the step that failed is still marked: {}", picture(&model));
}

#[test]
fn a_failed_push_says_why_once_while_its_dialog_is_open() {
    let mut model = sized(fixture::board(), 120, 40);
    let mut id = None;
    for effect in press(&mut model, "l T") {
        if let Effect::PullSpec { generation, .. } = effect {
            id = Some(happens(&mut model, What::TaskStarted { generation, task: Ok(7) }));
        }
    }
    assert!(id.is_some());
    let mut task = failed_start();
    let TaskState::Failed(notice) = task.state.clone() else { panic!("{task:?}") };
    task.progress.steps[1].state = StepState::Failed(notice.text);
    happens(&mut model, What::Tasks(vec![task]));
    assert_eq!(times(&model, WHY), 1, "{}", picture(&model));
    assert!(model.toast.is_none());
}

#[test]
fn a_task_that_fails_behind_a_closed_dialog_is_told_of_at_the_foot() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "s y esc");
    happens(&mut model, What::Tasks(vec![failed_start()]));
    assert_eq!(times(&model, WHY), 1, "{}", picture(&model));
    assert!(model.toast.is_some());
}

#[test]
fn a_task_that_failed_before_its_number_was_known_is_said_once_too() {
    let mut model = sized(fixture::board(), 120, 40);
    go(&mut model, "s");
    let effects = press(&mut model, "y");
    happens(&mut model, What::Tasks(vec![failed_start()]));
    scenes::settle(&mut model, effects);
    assert_eq!(times(&model, WHY), 1, "{}", picture(&model));
    assert!(model.toast.is_none());
}

#[test]
fn a_ticket_without_a_title_says_so() {
    for title in ["", "  ", "\u{200b}\u{1b}"] {
        let mut model = sized(fixture::board(), 120, 40);
        if let Some(board) = &mut model.board.board {
            board.cards[0].title = title.into();
        }
        model.board.arrange(&model.settings.columns);
        assert!(picture(&model).contains("untitled"), "{title:?}: {}", picture(&model));
    }
}
