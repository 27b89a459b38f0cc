//! What counts as a failure, a recovery and rework, in the words of a figure's explanation. The rules are those of
//! [`failures`](super::failures); DevLake and fourkeys explain themselves by their names.

use super::failures::Intervention;
use super::figures::Metric;
use super::frame::{Frame, Item};
use super::query::{Definition, Window};
use super::reliability;

/// The rules behind a figure, a sentence a line, with how often each of them applied.
pub fn lines(frame: &Frame<'_>, metric: Metric, window: Window) -> Vec<String> {
    if frame.query.definition != Definition::Ours || reliability::is_proxy(frame) {
        return Vec::new();
    }
    match metric {
        Metric::ChangeFailRate => {
            let mut lines = vec![applied(frame, window)];
            lines.extend(
                [
                    "an incident fails the first deployment of what it is linked to; one linked to nothing, the last within 72 h of the \
                     services that its area names, or of all where its area is the whole project",
                    "a rollback fails every deployment that it takes back: all since the one whose state it goes back to",
                    "a revert fails the deployment that brought what it takes back, within 24 h; none where both came together",
                    "a hotfix fails the deployment before it, within 24 h",
                ]
                .map(str::to_owned),
            );
            lines
        }
        Metric::RecoveryTime => vec![
            "until the next deployment that did not fail, of a commit that did not fail before, or until all its incidents are resolved"
                .to_owned(),
        ],
        Metric::ReworkRate => {
            vec!["unplanned: rollbacks, hotfixes, reverts of what had been deployed, and what an older incident is linked to".to_owned()]
        }
        _ => Vec::new(),
    }
}

fn applied(frame: &Frame<'_>, window: Window) -> String {
    let (mut incidents, mut rollbacks, mut hotfixes, mut reverts) = (0_u64, 0_u64, 0_u64, 0_u64);
    reliability::each_failed(frame, window, &mut |sample| {
        let (None, true, Item::Deployment(index)) = (sample.excluded, sample.hit, sample.item) else { return };
        let Some(failure) = frame.failures.of.get(&index) else { return };
        let has = |is: fn(&Intervention) -> bool| u64::from(failure.interventions.iter().any(is));
        incidents += has(|one| matches!(one, Intervention::Incident(_)));
        rollbacks += has(|one| matches!(one, Intervention::Rollback(_)));
        hotfixes += has(|one| matches!(one, Intervention::Hotfix(_)));
        reverts += has(|one| matches!(one, Intervention::Revert(_)));
    });
    format!("failed by incidents {incidents}, rollbacks {rollbacks}, reverts {reverts}, hotfixes {hotfixes}; one may be failed by several")
}

/// What incidents say that no deployment answers for.
pub fn note(frame: &Frame<'_>, window: Window) -> Option<String> {
    let count = frame.failures.nobodys.iter().filter(|at| window.contains(frame.input.incidents[**at as usize].created_at)).count();
    match count {
        _ if frame.query.definition != Definition::Ours || reliability::is_proxy(frame) => None,
        0 => None,
        1 => Some("1 incident is linked to nothing, in an area that names no service: it fails no deployment".to_owned()),
        count => Some(format!("{count} incidents are linked to nothing, in areas that name no service: they fail no deployment")),
    }
}
