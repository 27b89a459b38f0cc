//! When tokens end, as their owners stated it. Not secret, and kept beside the tokens, because a token cannot tell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Error, file};

fn path(folder: &Path) -> PathBuf {
    folder.join("dates.json")
}

/// A file that cannot be read is the same as no dates: they only serve a reminder.
fn load(folder: &Path) -> BTreeMap<String, Date> {
    std::fs::read(path(folder)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

pub(super) fn get(folder: &Path, url: &str) -> Option<Date> {
    load(folder).get(&super::account(url)).copied()
}

pub(super) fn set(folder: &Path, url: &str, expires: Option<Date>) -> Result<(), Error> {
    let mut dates = load(folder);
    let before = dates.clone();
    match expires {
        Some(date) => dates.insert(super::account(url), date),
        None => dates.remove(&super::account(url)),
    };
    if dates == before {
        return Ok(());
    }
    let path = path(folder);
    let failed = |source| Error::File { doing: "write the dates of tokens to", path: path.clone(), source };
    file::private_folder(folder).map_err(failed)?;
    let text = serde_json::to_vec_pretty(&dates).map_err(|error| failed(error.into()))?;
    file::replace(&path, &text).map_err(failed)
}

/// Whole days from `now` to the end of a token, counted by the calendar in UTC; negative when it is over.
pub fn days_left(expires: Date, now: Timestamp) -> i32 {
    let today = now.to_zoned(TimeZone::UTC).date();
    today.until(expires).map_or(0, |span| span.get_days())
}
