//! How many files a merged pull request changed.

use jiff::SignedDuration;

use super::world::{WEB, World, t};
use crate::metrics::input::Flow;
use crate::metrics::size::{self, Landed};

#[test]
fn what_a_pull_request_landed_as_tells_its_size_unless_it_is_the_last_of_several() {
    let closed = t("2026-03-10 12:00");
    let flow = |commits, files| Flow { commits, files, closed_at: Some(closed), ..World::new().flow(WEB, 1, "2026-03-09 12:00").clone() };
    let landed = |minutes: i64| Landed { authored_at: Some(closed - SignedDuration::from_mins(minutes)), files: 7 };
    for (commits, counted, landed, files) in [
        (Some(3), None, Some(landed(0)), Some(7)),
        (Some(3), None, Some(landed(-9)), Some(7)),
        // Rebased, hours after it was written.
        (Some(3), None, Some(landed(180)), None),
        (Some(1), None, Some(landed(180)), Some(7)),
        (None, None, Some(landed(180)), None),
        (Some(3), Some(5), Some(landed(0)), Some(5)),
        (Some(1), None, None, None),
        (Some(2), None, Some(Landed { authored_at: None, files: 7 }), None),
    ] {
        assert_eq!(size::files(&flow(commits, counted), landed.as_ref()), files, "{commits:?} {counted:?} {landed:?}");
    }
}
