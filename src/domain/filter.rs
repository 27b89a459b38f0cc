//! Which cards to show: a line of terms as people type it, such as `@bob label:api -status:done "log in"`.
//!
//! Reading never fails: what is no term is a word to look for. Case does not matter anywhere.

use super::board::Card;
use super::status::Status;
use super::ticket::SpecBadge;

/// Terms that a card must meet. Several of one kind with one value a card (`@`, `repo:`, `status:`, `priority:`, `spec:`) are
/// alternatives; labels and words must all be there. A dash before a term turns it round.
///
/// - `@bob` assigned to somebody of that name, `@me`, `@nobody`
/// - `label:api`, `repo:web`, `status:pr_open`, `priority:1`, `spec:draft` (local, draft, pushed, changed)
/// - `pr:none`, `pr:any`, `pr:12`
/// - a word, or words in quotes, in key, title, labels, branch or repository
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    text: String,
    wanted: Vec<Term>,
    unwanted: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Me,
    Nobody,
    Assignee(String),
    Repository(String),
    Status(Status),
    Priority(u8),
    Spec(SpecBadge),
    NoPullRequest,
    AnyPullRequest,
    PullRequest(i64),
    Label(String),
    Word(String),
}

impl Filter {
    pub fn parse(text: &str) -> Self {
        let mut filter = Self { text: text.trim().to_owned(), ..Self::default() };
        for Token { turned, text, quoted } in tokens(text) {
            let term = if quoted { Term::Word(text.to_lowercase()) } else { Term::parse(&text) };
            if turned { filter.unwanted.push(term) } else { filter.wanted.push(term) }
        }
        filter
    }

    /// The line it was read from.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it lets every card pass.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    pub fn matches(&self, card: &Card) -> bool {
        if self.unwanted.iter().any(|term| term.matches(card)) {
            return false;
        }
        self.wanted.iter().all(|term| match term.kind() {
            None => term.matches(card),
            kind => self.wanted.iter().filter(|other| other.kind() == kind).any(|other| other.matches(card)),
        })
    }
}

impl Term {
    fn parse(token: &str) -> Self {
        let token = token.to_lowercase();
        let known = match token.split_once(':') {
            _ if token == "@me" => Some(Self::Me),
            _ if matches!(token.as_str(), "@nobody" | "@none") => Some(Self::Nobody),
            _ if token.len() > 1 && token.starts_with('@') => Some(Self::Assignee(token[1..].to_owned())),
            Some((_, "")) | None => None,
            Some(("label" | "l", value)) => Some(Self::Label(value.to_owned())),
            Some(("repo" | "repository", value)) => Some(Self::Repository(value.to_owned())),
            Some(("status" | "is", value)) => status(value).map(Self::Status),
            Some(("priority" | "p", value)) => value.parse().ok().map(Self::Priority),
            Some(("spec", value)) => spec(value).map(Self::Spec),
            Some(("pr", "none")) => Some(Self::NoPullRequest),
            Some(("pr", "any")) => Some(Self::AnyPullRequest),
            Some(("pr", value)) => value.parse().ok().map(Self::PullRequest),
            Some(_) => None,
        };
        known.unwrap_or(Self::Word(token))
    }

    /// Terms of one kind are alternatives; those without must all be met.
    fn kind(&self) -> Option<u8> {
        match self {
            Self::Me | Self::Nobody | Self::Assignee(_) => Some(0),
            Self::Repository(_) => Some(1),
            Self::Status(_) => Some(2),
            Self::Priority(_) => Some(3),
            Self::Spec(_) => Some(4),
            Self::NoPullRequest | Self::AnyPullRequest | Self::PullRequest(_) => Some(5),
            Self::Label(_) | Self::Word(_) => None,
        }
    }

    fn matches(&self, card: &Card) -> bool {
        let holds = |text: &str, word: &str| text.to_lowercase().contains(word);
        match self {
            Self::Me => card.assigned_to_me,
            Self::Nobody => card.assignee.is_none(),
            // `@bo` finds Bob and Ann Bolt, not Deborah; `@annbolt` and `@ann` find Ann Bolt.
            Self::Assignee(name) => card.assignee.as_deref().is_some_and(|assignee| {
                let assignee = assignee.to_lowercase();
                let joined: String = assignee.split_whitespace().collect();
                joined.starts_with(name) || assignee.split(|c: char| !c.is_alphanumeric()).any(|part| part.starts_with(name.as_str()))
            }),
            Self::Repository(name) => card.repository.as_deref().is_some_and(|repository| holds(repository, name)),
            Self::Status(status) => card.status == *status,
            Self::Priority(priority) => card.priority == Some(*priority),
            Self::Spec(badge) => card.spec == *badge,
            Self::NoPullRequest => card.pull_request.is_none(),
            Self::AnyPullRequest => card.pull_request.is_some(),
            Self::PullRequest(number) => card.pull_request.as_ref().is_some_and(|chip| chip.number == *number),
            Self::Label(label) => card.labels.iter().any(|other| other.to_lowercase() == *label),
            Self::Word(word) => {
                let key = card.key.to_string();
                let texts = [Some(key.as_str()), Some(&card.title), card.branch.as_deref(), card.repository.as_deref()];
                texts.into_iter().flatten().chain(card.labels.iter().map(String::as_str)).any(|text| holds(text, word))
            }
        }
    }
}

/// `pr_open`, `pr-open`, `propen`.
fn status(word: &str) -> Option<Status> {
    let bare = |word: &str| word.replace(['_', '-'], "");
    Status::ALL.into_iter().find(|status| bare(status.word()) == bare(word))
}

fn spec(word: &str) -> Option<SpecBadge> {
    match word {
        "local" => Some(SpecBadge::Local),
        "draft" => Some(SpecBadge::Draft),
        "pushed" => Some(SpecBadge::Pushed),
        "changed" => Some(SpecBadge::ChangedOnBranch),
        _ => None,
    }
}

struct Token {
    turned: bool,
    text: String,
    /// Begins with a quote, so that it is a word whatever it holds.
    quoted: bool,
}

/// Splits at blanks that are not within quotes; quotes are taken off. A quote left open goes to the end.
fn tokens(line: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        let Some(first) = chars.peek().copied() else { return tokens };
        let mut dashes = String::new();
        if first == '-' {
            dashes.extend(chars.next());
        }
        let quoted = chars.peek() == Some(&'"');
        let mut text = String::new();
        let mut within = false;
        while let Some(c) = chars.next_if(|c| within || !c.is_whitespace()) {
            match c {
                '"' => within = !within,
                c => text.push(c),
            }
        }
        // A dash alone is a word.
        let turned = !dashes.is_empty() && !text.is_empty();
        let text = if turned { text } else { dashes + &text };
        if !text.is_empty() {
            tokens.push(Token { turned, text, quoted });
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::super::id::TicketKey;
    use super::*;

    fn card() -> Card {
        Card {
            key: TicketKey::new("KAN", 12).unwrap(),
            title: "Log in without a password".into(),
            status: Status::PrOpen,
            assignee: Some("Bob Ångström".into()),
            assigned_to_me: true,
            repository: Some("Web Shop".into()),
            branch: Some("feature/KAN-12".into()),
            labels: vec!["API".into(), "size:s".into()],
            priority: Some(2),
            criteria_done: 0,
            criteria_total: 0,
            spec: SpecBadge::Draft,
            pull_request: None,
            notice: None,
            updated_at: Timestamp::UNIX_EPOCH,
            version: 1,
        }
    }

    #[test]
    fn a_card_meets_the_terms_it_meets() {
        for (filter, expected) in [
            ("", true),
            ("  ", true),
            ("log IN", true),
            ("\"log in\"", true),
            ("\"in log\"", false),
            ("kan-12", true),
            ("kan-13", false),
            ("@bob", true),
            ("@ång", true),
            ("@bobång", true),
            ("@ob", false),
            ("@me", true),
            ("@nobody", false),
            ("@", false),
            ("@nobody @bob", true),
            ("label:api", true),
            ("label:size:s", true),
            ("label:ap", false),
            ("label:api label:ui", false),
            ("repo:shop", true),
            ("repo:\"web shop\"", true),
            ("repo:api repo:web", true),
            ("status:pr_open", true),
            ("status:PR-OPEN", true),
            ("status:todo status:pr_open", true),
            ("status:todo @bob", false),
            ("-status:done", true),
            ("-status:pr_open", false),
            ("-label:api", false),
            ("-\"password\"", false),
            ("priority:2", true),
            ("p:1", false),
            ("spec:draft", true),
            ("pr:none", true),
            ("pr:any", false),
            ("pr:4", false),
            ("status:unheard", false),
            ("-", true),
            ("\"open quote", false),
            ("\"@bob\"", false),
        ] {
            assert_eq!(Filter::parse(filter).matches(&card()), expected, "{filter}");
        }
    }

    #[test]
    fn nobody_is_who_has_no_assignee() {
        assert!(Filter::parse("@nobody").matches(&Card { assignee: None, ..card() }));
        assert!(!Filter::parse("@bob").matches(&Card { assignee: None, ..card() }));
    }

    #[test]
    fn an_empty_line_is_no_filter() {
        assert!(Filter::parse("  \"\" ").is_empty());
        assert!(!Filter::parse("x").is_empty());
        assert_eq!(Filter::parse(" x ").text(), "x");
    }

    proptest! {
        #[test]
        fn any_line_is_a_filter(line in any::<String>()) {
            Filter::parse(&line).matches(&card());
        }
    }
}
