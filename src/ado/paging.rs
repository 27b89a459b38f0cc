//! Reads lists: a page leniently, and all pages by the rule of their endpoint.
//!
//! A row that cannot be read is left out, logged with its path in the JSON and counted; it never fails its page.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::call::Call;
use super::error::{Error, ErrorKind};
use super::transport::Answer;
use super::{Client, Result};

/// A guard against a server that never ends a list.
const MAX_PAGES: usize = 1000;

/// The rows of a page that could be read.
#[derive(Debug)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    /// Rows in the page, unreadable ones included: the next page starts after them.
    pub received: usize,
}

/// Reads a list answer: `{"count", "value": [...]}`, or the bare array that the specification shows.
pub fn rows<T: DeserializeOwned>(client: &Client, call: &Call, answer: &Answer) -> Result<Rows<T>> {
    let raw = raw_rows(answer.text()).map_err(|(path, source)| unreadable(client, call, answer, path, source))?;
    let received = raw.len();
    let mut rows = Vec::with_capacity(received);
    let mut skipped = 0;
    for (index, row) in raw.into_iter().enumerate() {
        if row.get() == "null" {
            continue;
        }
        let mut reader = serde_json::Deserializer::from_str(row.get());
        match serde_path_to_error::deserialize(&mut reader) {
            Ok(row) => rows.push(row),
            Err(e) => {
                skipped += 1;
                tracing::warn!(path = %format!("value[{index}].{}", e.path()), call = call.path, "left out a row that cannot be read: {}", e.inner());
            }
        }
    }
    if skipped > 0 {
        client.request_log().count_skipped(skipped);
    }
    Ok(Rows { rows, received })
}

/// One page of a list, as facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Rows that the service sent, those left out included.
    pub received: usize,
    /// Where the next page begins: a continuation token, or (in lists without tokens) how many rows to skip. Absent at the end.
    pub next: Option<String>,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), received: 0, next: None }
    }
}

impl<T> Page<T> {
    pub(super) fn map<U>(self, fact: impl FnMut(T) -> U) -> Page<U> {
        Page { rows: self.rows.into_iter().map(fact).collect(), received: self.received, next: self.next }
    }

    pub(super) fn filter_map<U>(self, fact: impl FnMut(T) -> Option<U>) -> Page<U> {
        Page { rows: self.rows.into_iter().filter_map(fact).collect(), received: self.received, next: self.next }
    }

    /// Where the next page begins, in a list without tokens.
    pub fn next_skip(&self) -> Option<usize> {
        self.next.as_deref()?.parse().ok()
    }
}

/// Page sizes at which services cut, whatever was asked for: a page of exactly that many rows may have a follower.
const CUTS: [usize; 5] = [100, 101, 200, 250, 500];

/// Rows as text, or the path and the reason where there are none.
type RawRows<'a> = std::result::Result<Vec<&'a RawValue>, (String, serde_json::Error)>;

fn raw_rows(text: &[u8]) -> RawRows<'_> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        value: &'a RawValue,
    }
    if text.trim_ascii_start().starts_with(b"[") {
        serde_json::from_slice(text).map_err(|e| ("$".to_owned(), e))
    } else {
        let wrapped: Wrapped<'_> = serde_json::from_slice(text).map_err(|e| ("$".to_owned(), e))?;
        if wrapped.value.get() == "null" {
            return Ok(Vec::new());
        }
        serde_json::from_str(wrapped.value.get()).map_err(|e| ("value".to_owned(), e))
    }
}

/// Reads an answer that is one object.
pub fn object<T: DeserializeOwned>(client: &Client, call: &Call, answer: &Answer) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(answer.text());
    serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let path = e.path().to_string();
        let path = if path == "." { "$".to_owned() } else { path };
        unreadable(client, call, answer, path, e.into_inner())
    })
}

/// An answer that is not what was asked for, at a path in it.
fn unreadable(client: &Client, call: &Call, answer: &Answer, path: String, source: serde_json::Error) -> Error {
    client
        .error(ErrorKind::Unreadable { path }, &call.attempt)
        .status_code(answer.status)
        .activity(answer.activity_id())
        .detail(source.to_string())
        .caused_by(source)
}

impl Client {
    /// One page.
    pub(super) async fn rows<T: DeserializeOwned>(&self, call: &Call) -> Result<Vec<T>> {
        let answer = self.send(call).await?;
        Ok(rows(self, call, &answer)?.rows)
    }

    /// One page of an endpoint without continuation tokens. A short page is the last, unless it ends where services cut.
    pub(super) async fn page_by_skip<T: DeserializeOwned>(
        &self,
        mut call: Call,
        skip_name: &'static str,
        skip: usize,
        top: usize,
    ) -> Result<Page<T>> {
        if skip > 0 {
            call.set(skip_name, skip);
        }
        let answer = self.send(&call).await?;
        let Rows { rows, received } = rows(self, &call, &answer)?;
        let has_next = received > 0 && (received >= top || CUTS.contains(&received));
        Ok(Page { rows, received, next: has_next.then(|| (skip + received).to_string()) })
    }

    /// One page of an endpoint with continuation tokens.
    pub(super) async fn page_by_token<T: DeserializeOwned>(&self, mut call: Call, token: Option<&str>) -> Result<Page<T>> {
        if let Some(token) = token {
            call.set("continuationToken", token);
        }
        let answer = self.send(&call).await?;
        let Rows { rows, received } = rows(self, &call, &answer)?;
        // The same token again would be the same page for ever.
        let next = answer.header("x-ms-continuationtoken").filter(|next| Some(*next) != token).map(str::to_owned);
        Ok(Page { rows, received, next })
    }

    /// An answer that is one object; `None` for an empty one, which is how some endpoints say that there is nothing yet.
    pub(super) async fn object_if_any<T: DeserializeOwned>(&self, call: &Call) -> Result<Option<T>> {
        let answer = self.send(call).await?;
        let text = answer.text().trim_ascii();
        if text.is_empty() || text == b"null" { Ok(None) } else { object(self, call, &answer).map(Some) }
    }

    /// All pages of an endpoint without continuation tokens: skips the rows received until a page is empty, or `limit` is there.
    pub(super) async fn all_by_skip<T: DeserializeOwned>(
        &self,
        mut call: Call,
        [top, skip]: [&'static str; 2],
        page_size: usize,
        limit: usize,
    ) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut received = 0;
        let mut previous = Vec::new();
        for _ in 0..MAX_PAGES {
            call.set(top, page_size.min(limit.saturating_sub(received)));
            if received > 0 {
                call.set(skip, received);
            }
            let answer = self.send(&call).await?;
            let page = rows(self, &call, &answer)?;
            // The same page again: the server does not know the parameter.
            if page.received == 0 || answer.body == previous {
                break;
            }
            received += page.received;
            all.extend(page.rows);
            previous = answer.body;
            if received >= limit {
                break;
            }
        }
        Ok(all)
    }

    /// All pages of an endpoint with continuation tokens: only the token tells whether there is more.
    pub(super) async fn all_by_token<T: DeserializeOwned>(&self, mut call: Call) -> Result<Vec<T>> {
        let mut all = Vec::new();
        let mut previous: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let answer = self.send(&call).await?;
            let page = rows(self, &call, &answer)?;
            all.extend(page.rows);
            match answer.header("x-ms-continuationtoken") {
                Some(token) if previous.as_deref() != Some(token) => {
                    call.set("continuationToken", token);
                    previous = Some(token.to_owned());
                }
                _ => break,
            }
        }
        Ok(all)
    }
}
