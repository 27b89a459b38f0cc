//! look
use super::*;
use crate::tui::answer::*;
use crate::tui::event::Generation;
fn show(name: &str, m: &Model) {
    println!("==== {name} {}x{}\n{}", m.width, m.height, picture(m));
}
fn with_detail(m: &mut Model, n: u32) {
    let effects = press(m, "enter");
    for e in effects {
        if let Effect::LoadTicket { generation, key } = e {
            happens(m, What::TicketLoaded { generation, key, detail: Ok(Box::new(fixture::detail(n))) });
        }
    }
}
#[test]
#[ignore]
fn look() {
    for (w, h) in [(80, 24), (120, 40)] {
        let m = sized(fixture::board(), w, h);
        show("board", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "l l");
        with_detail(&mut m, 4);
        show("ticket", &m);
        press(&mut m, "]");
        show("criteria", &m);
        press(&mut m, "]");
        show("pr", &m);
        press(&mut m, "]");
        show("activity", &m);
        let fx = press(&mut m, "e");
        println!("{fx:?}");
        show("editor", &m);
        let mut m = sized(fixture::board(), w, h);
        let fx = press(&mut m, "s");
        for e in fx {
            if let Effect::PlanStart { generation, .. } = e {
                happens(&mut m, What::StartPlanned { generation, plan: Ok(Box::new(fixture::start_plan(12))) });
            }
        }
        show("start", &m);
        let fx = press(&mut m, "y");
        for e in fx {
            if let Effect::Start { generation, .. } = e {
                happens(&mut m, What::TaskStarted { generation, task: Ok(7) });
                happens(&mut m, What::Tasks(vec![fixture::start_task(12)]));
            }
        }
        show("starting", &m);
        press(&mut m, "esc");
        show("hidden", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "?");
        show("help", &m);
        press(&mut m, "esc :");
        typed(&mut m, "pu");
        show("palette", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "m");
        show("move", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "n");
        typed(&mut m, "Say hello");
        show("new", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "l");
        let fx = press(&mut m, "P");
        for e in fx {
            if let Effect::PlanPullRequest { generation, .. } = e {
                happens(&mut m, What::PullRequestPlanned { generation, draft: Ok(Box::new(fixture::pull_request_draft())) });
            }
        }
        show("pr form", &m);
        let mut m = sized(fixture::board(), w, h);
        let fx = press(&mut m, "2");
        for e in fx {
            if let Effect::LoadPullRequests { generation, .. } = e {
                happens(&mut m, What::PullRequestsLoaded { generation, rows: Ok(fixture::pull_request_rows()) });
            }
        }
        show("prs", &m);
        press(&mut m, "] ]");
        show("prs all", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "5");
        show("setup", &m);
        press(&mut m, "]");
        press(&mut m, "]");
        m.setup.repositories = Some(fixture::repositories());
        show("setup repos", &m);
        press(&mut m, "]");
        m.setup.members = Some(fixture::members());
        show("setup members", &m);
        press(&mut m, "]");
        show("review", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "/");
        typed(&mut m, "@alice");
        show("filter", &m);
        let mut m = sized(fixture::board(), w, h);
        press(&mut m, "g");
        happens(&mut m, What::Tick);
        show("which key", &m);
        let mut m = sized(Model::new(fixture::now(), Default::default()), w, h);
        show("welcome", &m);
        press(&mut m, "c");
        show("connect", &m);
    }
    let _ = Generation(0);
}
