//! The board as a read-model: ten thousand cards in a few milliseconds.
//!
//! Reading ten thousand rows of twenty columns through a general-purpose driver takes a tenth of a second. So each ticket keeps its
//! card as one line of text, and each pull request its chip; the database glues pages of lines together and hands over a few long
//! texts. Names of people and repositories are not in the lines but looked up, so that renaming one touches no ticket.

use std::collections::HashMap;

use jiff::Timestamp;
use sqlx::AnyConnection;

use super::column::{Columns, Word, instant};
use super::error::{Error, Result};
use super::{Store, projects};
use crate::domain::board::{Board, Card, PullRequestChip, Votes, votes};
use crate::domain::id::{Guid, ProjectId, TicketKey};
use crate::domain::pull_request::{Checks, MergeState, PullRequest, PullRequestStatus, Source, Threads};
use crate::domain::status::Status;
use crate::domain::ticket::{SpecBadge, Ticket};

/// Between the fields of a card, between the labels in a field, between cards. Control characters no text on a card needs.
const FIELD: char = '\u{1f}';
const ITEM: char = '\u{1d}';
const CARD: char = '\u{1e}';

/// Cards a page: the longest text handed over stays under a megabyte.
const PAGE: i64 = 1_000;

queries! {
    ORGANISATION_NAME = "SELECT name FROM organisations WHERE id = $1";
    MEMBERS = "SELECT id, guid, display_name AS name FROM members WHERE project = $1";
    REPOSITORIES = "SELECT id, name FROM repositories WHERE project = $1";
    /// `$2` is the last row seen, `$4` stands between cards, `$5` between fields.
    CARDS = "SELECT count(*) AS cards, CAST(max(id) AS BIGINT) AS last, string_agg(line, $4) AS lines FROM (\
        SELECT t.id AS id, t.card || coalesce($5 || p.chip || $5 || p.source || $5 || p.seen_at, '') AS line \
        FROM tickets t LEFT JOIN pull_requests p ON p.repository = t.pr_repository AND p.number = t.pr_number \
        WHERE t.project = $1 AND t.archived = 0 AND t.id > $2 ORDER BY t.id LIMIT $3) AS page";
}

/// A text as a field: without the characters that divide a line.
fn push_clean(line: &mut String, text: &str) {
    line.extend(text.chars().map(|c| if ('\u{1c}'..='\u{1f}').contains(&c) { ' ' } else { c }));
}

/// The line of a ticket.
pub(super) fn card_line(ticket: &Ticket, badge: SpecBadge) -> String {
    use std::fmt::Write as _;

    let mut line = String::with_capacity(96 + ticket.title.len());
    // Writing into a string cannot fail.
    let _ = write!(line, "{}{FIELD}{}{FIELD}", ticket.key, ticket.status.to_word());
    push_clean(&mut line, &ticket.title);
    let number = |line: &mut String, number: Option<i64>| {
        line.push(FIELD);
        if let Some(number) = number {
            let _ = write!(line, "{number}");
        }
    };
    number(&mut line, ticket.assignee.map(|member| member.0));
    number(&mut line, ticket.repository.map(|repository| repository.0));
    line.push(FIELD);
    push_clean(&mut line, ticket.branch.as_deref().unwrap_or_default());
    line.push(FIELD);
    for (index, label) in ticket.labels.iter().enumerate() {
        if index > 0 {
            line.push(ITEM);
        }
        push_clean(&mut line, label);
    }
    number(&mut line, ticket.priority.map(|priority| i64::from(priority.level())));
    let done = ticket.criteria.iter().filter(|criterion| criterion.ticked).count();
    let _ = write!(line, "{FIELD}{done}{FIELD}{}{FIELD}{}{FIELD}", ticket.criteria.len(), badge.to_word());
    push_clean(&mut line, ticket.notice.as_deref().unwrap_or_default());
    let _ = write!(line, "{FIELD}{}{FIELD}{}", ticket.times.updated_at.as_millisecond(), ticket.version);
    number(&mut line, ticket.pull_request.map(|followed| followed.number));
    line
}

/// The part of a line that a pull request adds; its source and age follow from its row.
pub(super) fn chip_line(facts: &PullRequest, checks: Option<Checks>, threads: Option<Threads>) -> String {
    let votes = votes(&facts.reviewers);
    let checks = checks.map_or_else(String::new, |c| format!("{},{},{}", c.passed, c.failed, c.pending));
    let threads = threads.map_or_else(String::new, |t| format!("{},{}", t.unresolved, t.resolved));
    format!(
        "{}{FIELD}{}{FIELD}{}{FIELD}{}{FIELD}{},{},{},{}{FIELD}{checks}{FIELD}{threads}",
        facts.status.to_word(),
        u8::from(facts.is_draft),
        u8::from(facts.auto_complete),
        facts.merge.to_word(),
        votes.approved,
        votes.waiting,
        votes.rejected,
        votes.open,
    )
}

/// The fields of a line, one after the other.
struct Fields<'a> {
    rest: std::str::Split<'a, char>,
    line: &'a str,
}

impl<'a> Fields<'a> {
    fn unreadable(&self) -> Error {
        let key = self.line.split(FIELD).next().unwrap_or_default();
        Error::unreadable(format!("card of {}", key.chars().take(24).collect::<String>()))
    }

    fn text(&mut self) -> Result<&'a str> {
        let field = self.rest.next();
        field.ok_or_else(|| self.unreadable())
    }

    fn maybe(&mut self) -> Result<Option<&'a str>> {
        Ok(Some(self.text()?).filter(|field| !field.is_empty()))
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<T> {
        self.text()?.parse().map_err(|_| self.unreadable())
    }

    fn maybe_number<T: std::str::FromStr>(&mut self) -> Result<Option<T>> {
        self.maybe()?.map(|field| field.parse().map_err(|_| self.unreadable())).transpose()
    }

    fn word<T: Word>(&mut self) -> Result<T> {
        T::from_word(self.text()?).ok_or_else(|| self.unreadable())
    }

    /// Numbers with commas between.
    fn numbers<const N: usize>(&mut self) -> Result<Option<[u32; N]>> {
        let Some(field) = self.maybe()? else { return Ok(None) };
        let mut numbers = [0; N];
        let mut parts = field.split(',');
        for number in &mut numbers {
            *number = parts.next().and_then(|part| part.parse().ok()).ok_or_else(|| self.unreadable())?;
        }
        Ok(Some(numbers))
    }
}

/// What cards name by number.
struct Names {
    members: HashMap<i64, String>,
    repositories: HashMap<i64, String>,
    me: Option<i64>,
}

fn card(line: &str, names: &Names) -> Result<Card> {
    let mut fields = Fields { rest: line.split(FIELD), line };
    let key = TicketKey::parse(fields.text()?).map_err(|_| fields.unreadable())?;
    let status: Status = fields.word()?;
    let title = fields.text()?.to_owned();
    let assignee: Option<i64> = fields.maybe_number()?;
    let repository: Option<i64> = fields.maybe_number()?;
    let branch = fields.maybe()?.map(str::to_owned);
    let labels = fields.maybe()?.map_or_else(Vec::new, |field| field.split(ITEM).map(str::to_owned).collect());
    let priority = fields.maybe_number()?;
    let criteria_done = fields.number()?;
    let criteria_total = fields.number()?;
    let spec = fields.word()?;
    let notice = fields.maybe()?.map(str::to_owned);
    let updated_at = instant(fields.number()?, "card")?;
    let version = fields.number()?;
    let number: Option<i64> = fields.maybe_number()?;
    let chip = fields.rest.next();
    let pull_request = match (number, chip) {
        (Some(number), Some(status)) => Some(pull_request_chip(number, status, &mut fields)?),
        _ => None,
    };
    Ok(Card {
        key,
        title,
        status,
        assignee: assignee.and_then(|id| names.members.get(&id).cloned()),
        assigned_to_me: assignee.is_some() && assignee == names.me,
        repository: repository.and_then(|id| names.repositories.get(&id).cloned()),
        branch,
        labels,
        priority,
        criteria_done,
        criteria_total,
        spec,
        pull_request,
        notice,
        updated_at,
        version,
    })
}

fn pull_request_chip(number: i64, status: &str, fields: &mut Fields<'_>) -> Result<PullRequestChip> {
    let status = PullRequestStatus::from_word(status).ok_or_else(|| fields.unreadable())?;
    let is_draft = fields.number::<u8>()? != 0;
    let auto_complete = fields.number::<u8>()? != 0;
    let merge: MergeState = fields.word()?;
    let [approved, waiting, rejected, open] = fields.numbers()?.unwrap_or_default();
    let checks = fields.numbers()?.map(|[passed, failed, pending]| Checks { passed, failed, pending });
    let threads = fields.numbers()?.map(|[unresolved, resolved]| Threads { unresolved, resolved });
    let source: Source = fields.word()?;
    let seen_at: Timestamp = instant(fields.number()?, "card")?;
    let votes = Votes { approved, waiting, rejected, open };
    Ok(PullRequestChip { number, status, is_draft, auto_complete, merge, votes, checks, threads, source, seen_at })
}

async fn names(conn: &mut AnyConnection, project: ProjectId, me: Option<&Guid>) -> Result<Names> {
    let mut names = Names { members: HashMap::new(), repositories: HashMap::new(), me: None };
    for row in sqlx::query(MEMBERS).bind(project.0).fetch_all(&mut *conn).await? {
        let id = row.int("id")?;
        if me.is_some_and(|me| row.borrowed("guid").is_ok_and(|guid| guid == me.as_str())) {
            names.me = Some(id);
        }
        names.members.insert(id, row.text("name")?);
    }
    for row in sqlx::query(REPOSITORIES).bind(project.0).fetch_all(conn).await? {
        names.repositories.insert(row.int("id")?, row.text("name")?);
    }
    Ok(names)
}

impl Store {
    /// All cards of a project that are not archived, by status, then priority (absent last), then key. `me` marks the cards that
    /// are that person's.
    pub async fn board(&self, project: ProjectId, me: Option<&Guid>) -> Result<Board> {
        self.attempt("read the board", async {
            let mut conn = self.snapshot().await?;
            let known = projects::by_id(&mut conn, project).await?.ok_or_else(|| projects::missing(project))?;
            let organisation_name: String = sqlx::query_scalar(ORGANISATION_NAME).bind(known.organisation.0).fetch_one(&mut *conn).await?;
            let names = names(&mut conn, project, me).await?;
            let mut cards = Vec::new();
            let mut last = 0_i64;
            loop {
                let page = sqlx::query(CARDS)
                    .bind(project.0)
                    .bind(last)
                    .bind(PAGE)
                    .bind(CARD.to_string())
                    .bind(FIELD.to_string())
                    .fetch_one(&mut *conn)
                    .await?;
                let count = page.int("cards")?;
                if count > 0 {
                    last = page.int("last")?;
                    cards.reserve_exact(usize::try_from(count).unwrap_or_default());
                    for line in page.borrowed("lines")?.split(CARD) {
                        cards.push(card(line, &names)?);
                    }
                }
                if count < PAGE {
                    break;
                }
            }
            conn.rollback().await?;
            cards.sort_unstable_by(|a, b| {
                let rank = |card: &Card| (card.status, card.priority.unwrap_or(u8::MAX));
                rank(a).cmp(&rank(b)).then_with(|| a.key.cmp(&b.key))
            });
            Ok(Board { project, project_name: known.name, organisation_name, cards, synced_at: known.synced_at })
        })
        .await
    }
}
