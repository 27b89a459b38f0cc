//! Names of feature branches: made from a template, checked as git would, and read back to the ticket they belong to.
//!
//! All names are without `refs/heads/`.

use super::id::TicketKey;

/// The template used when none is configured.
pub const DEFAULT_TEMPLATE: &str = "feature/{key}";

/// The longest name taken, in bytes: a ref is a file name on the server, and those end at 255 with `.lock` behind.
pub const NAME_LIMIT: usize = 200;

/// Where a slug is cut, in characters.
const SLUG_LIMIT: usize = 40;

/// Why a name or a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BranchError {
    #[error("a branch name cannot be empty")]
    Empty,
    #[error("`{name}` is not a branch name git takes: {reason}")]
    Invalid { name: String, reason: &'static str },
    #[error("the branch name is {0} bytes long, more than the {NAME_LIMIT} taken; shorten the template")]
    TooLong(usize),
    #[error("the branch template `{0}` has no {{key}}; without it a branch cannot be led back to its ticket")]
    NoKey(String),
    #[error("the branch template `{template}` has the unknown part {{{part}}}; it can hold {{key}}, {{slug}} and {{user}}")]
    UnknownPart { template: String, part: String },
    #[error("the branch template `{0}` has a brace without its partner")]
    OpenBrace(String),
    #[error("the branch template `{0}` asks for {{user}}, and the user's name has no letter or digit that a branch can carry")]
    NoUser(String),
    #[error("the branch `{name}` would be read as belonging to {found}, not to {key}; change the template")]
    KeyHidden { name: String, found: TicketKey, key: TicketKey },
}

/// The branch of a ticket: the template with `{key}`, `{slug}` (of the title) and `{user}` filled in.
///
/// `user` is a display name, an account or a mail address (then what stands before the `@`). A title without any letter leaves its
/// slug out, with the separator before it. The name is valid, and [`find_key`] finds `key` in it.
pub fn render(template: &str, key: &TicketKey, title: &str, user: &str) -> Result<String, BranchError> {
    let mut name = String::with_capacity(template.len() + 48);
    let mut has_key = false;
    for part in parts(template)? {
        match part {
            Part::Text(text) => name.push_str(text),
            Part::Key => {
                has_key = true;
                name.push_str(&key.to_string());
            }
            Part::Slug => name.push_str(&slug(title)),
            Part::User => {
                let user = slug(user.split('@').next().unwrap_or_default());
                if user.is_empty() {
                    return Err(BranchError::NoUser(template.to_owned()));
                }
                name.push_str(&user);
            }
        }
    }
    if !has_key {
        return Err(BranchError::NoKey(template.to_owned()));
    }
    // Only an empty slug can leave a part of the path empty or ending in a separator.
    if slug(title).is_empty() {
        name = name
            .split('/')
            .map(|component| component.trim_end_matches(['-', '_', '.']))
            .filter(|component| !component.is_empty())
            .collect::<Vec<_>>()
            .join("/");
    }
    validate_name(&name)?;
    match find_key(&name) {
        Some(found) if found == *key => Ok(name),
        Some(found) => Err(BranchError::KeyHidden { name, found, key: key.clone() }),
        None => Err(BranchError::NoKey(template.to_owned())),
    }
}

/// Whether a template can make names, before a ticket is at hand: for the configuration.
pub fn validate_template(template: &str) -> Result<(), BranchError> {
    let key = TicketKey::new("KAN", 12).map_err(|_| BranchError::Empty)?;
    render(template, &key, "Log in without a password", "someone").map(drop)
}

enum Part<'a> {
    Text(&'a str),
    Key,
    Slug,
    User,
}

fn parts(template: &str) -> Result<Vec<Part<'_>>, BranchError> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(open) = rest.find(['{', '}']) {
        let (text, from_brace) = rest.split_at(open);
        let (name, after) = from_brace
            .strip_prefix('{')
            .and_then(|inside| inside.split_once('}'))
            .ok_or_else(|| BranchError::OpenBrace(template.to_owned()))?;
        parts.push(Part::Text(text));
        parts.push(match name {
            "key" => Part::Key,
            "slug" => Part::Slug,
            "user" => Part::User,
            _ => return Err(BranchError::UnknownPart { template: template.to_owned(), part: name.to_owned() }),
        });
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// A title as a part of a name: lower case, words joined by dashes, Latin letters without their accents, at most forty characters
/// and then cut between words. Letters of other scripts stay: git and Azure DevOps take them. Empty when nothing of it is left.
pub fn slug(title: &str) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in words(title) {
        let width = word.chars().count();
        let dash = usize::from(length > 0);
        if length + dash + width > SLUG_LIMIT {
            if length == 0 {
                out.extend(word.chars().take(SLUG_LIMIT));
            }
            break;
        }
        if dash > 0 {
            out.push('-');
        }
        out.push_str(&word);
        length += dash + width;
    }
    out
}

/// The words of a text, lower case and without accents.
fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    // An apostrophe joins ("don't" is `dont`); everything else that is no letter or digit parts words.
    text.split(|c: char| !c.is_alphanumeric() && !is_joining(c))
        .map(|word| {
            let mut out = String::new();
            for c in word.chars().filter(|c| !is_joining(*c)).flat_map(char::to_lowercase).filter(|c| !is_joining(*c)) {
                match without_accent(c) {
                    Some(plain) => out.push_str(plain),
                    None => out.push(c),
                }
            }
            out
        })
        .filter(|word| !word.is_empty())
}

/// Apostrophes and combining accents: part of the word, absent from the slug.
fn is_joining(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{300}'..='\u{36f}')
}

/// What people type for a lower-case Latin letter with an accent.
fn without_accent(c: char) -> Option<&'static str> {
    Some(match c {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => "i",
        'ł' | 'ĺ' | 'ļ' | 'ľ' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' | 'ŏ' | 'ő' => "o",
        'ö' | 'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' => "ss",
        'ţ' | 'ť' | 'ț' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// Whether git takes a name for a branch (`git check-ref-format --branch`), and some that git takes and people regret: control
/// characters beyond ASCII, a name that repeats `refs/heads/`, more than [`NAME_LIMIT`] bytes.
pub fn validate_name(name: &str) -> Result<(), BranchError> {
    if name.is_empty() {
        return Err(BranchError::Empty);
    }
    if name.len() > NAME_LIMIT {
        return Err(BranchError::TooLong(name.len()));
    }
    let reason = if name == "@" || name == "HEAD" {
        "git keeps it for itself"
    } else if name.starts_with("refs/") {
        "it repeats `refs/`; give the name without `refs/heads/`"
    } else if name.starts_with('-') {
        "it begins with a dash"
    } else if name.starts_with('/') || name.ends_with('/') || name.contains("//") {
        "a part between slashes is empty"
    } else if name.contains("..") {
        "it has two dots in a row"
    } else if name.ends_with('.') {
        "it ends with a dot"
    } else if name.contains("@{") {
        "it has `@{`"
    } else if name.chars().any(char::is_control) {
        "it has a control character"
    } else if name.chars().any(|c| matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\')) {
        "it has a space or one of ~ ^ : ? * [ \\"
    } else if name.split('/').any(|component| component.starts_with('.')) {
        "a part between slashes begins with a dot"
    } else if name.split('/').any(|component| component.ends_with(".lock")) {
        "a part between slashes ends with `.lock`"
    } else {
        return Ok(());
    };
    Err(BranchError::Invalid { name: name.to_owned(), reason })
}

/// The ticket a branch belongs to: the first key written in upper case, else the first in any case. A key stands between ends,
/// slashes, dashes and the like: `feature/KAN-12-fix`, `bob/kan-12`, not `KAN-12a`.
pub fn find_key(branch: &str) -> Option<TicketKey> {
    let mut in_any_case = None;
    let bytes = branch.as_bytes();
    for (dash, _) in branch.match_indices('-') {
        let start = bytes[..dash].iter().rposition(|b| !b.is_ascii_alphanumeric()).map_or(0, |at| at + 1);
        let digits = bytes[dash + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let end = dash + 1 + digits;
        let follows_letter = branch[..start].chars().next_back().is_some_and(char::is_alphanumeric);
        let precedes_letter = branch[end..].chars().next().is_some_and(char::is_alphanumeric);
        if follows_letter || precedes_letter {
            continue;
        }
        let Ok(key) = TicketKey::parse(&branch[start..end]) else { continue };
        if branch[start..dash] == *key.prefix() {
            return Some(key);
        }
        in_any_case.get_or_insert(key);
    }
    in_any_case
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> TicketKey {
        TicketKey::parse(text).unwrap()
    }

    #[test]
    fn a_template_is_filled_in() {
        let kan = key("KAN-4");
        for (template, expected) in [
            ("feature/{key}", "feature/KAN-4"),
            ("{user}/{key}-{slug}", "bob/KAN-4-log-in-without-a-password"),
            ("{key}", "KAN-4"),
            ("dev/{key}/{slug}", "dev/KAN-4/log-in-without-a-password"),
        ] {
            assert_eq!(render(template, &kan, "Log in: without a password!", "bob@lumen.example").as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_title_without_letters_leaves_its_slug_out() {
        let kan = key("KAN-4");
        assert_eq!(render("feature/{key}-{slug}", &kan, "🚀!!", "bob").as_deref(), Ok("feature/KAN-4"));
        assert_eq!(render("{slug}/{key}", &kan, "🚀", "bob").as_deref(), Ok("KAN-4"));
        assert_eq!(render("x/{key}/{slug}", &kan, "", "bob").as_deref(), Ok("x/KAN-4"));
    }

    #[test]
    fn slugs_are_what_people_would_type() {
        for (title, expected) in [
            ("Añadir opción «más» – don't", "anadir-opcion-mas-dont"),
            ("Größe ändern", "groesse-aendern"),
            ("  C# & F#  ", "c-f"),
            ("ログイン を直す", "ログイン-を直す"),
            ("İstanbul", "istanbul"),
            ("A title so long that it has to be cut between two of its words", "a-title-so-long-that-it-has-to-be-cut"),
            ("", ""),
            ("...", ""),
        ] {
            assert_eq!(slug(title), expected, "{title}");
        }
    }

    #[test]
    fn a_template_that_loses_the_key_is_refused() {
        let kan = key("KAN-4");
        assert!(matches!(render("feature/{slug}", &kan, "x", "bob"), Err(BranchError::NoKey(_))));
        assert!(matches!(render("REL-1/{key}", &kan, "x", "bob"), Err(BranchError::KeyHidden { .. })));
        assert!(matches!(render("x{key}", &kan, "x", "bob"), Err(BranchError::NoKey(_) | BranchError::KeyHidden { .. })));
        assert!(matches!(render("{branch}/{key}", &kan, "x", "bob"), Err(BranchError::UnknownPart { .. })));
        assert!(matches!(render("{key", &kan, "x", "bob"), Err(BranchError::OpenBrace(_))));
        assert!(matches!(render("{user}/{key}", &kan, "x", "@"), Err(BranchError::NoUser(_))));
        assert!(matches!(render("a b/{key}", &kan, "x", "bob"), Err(BranchError::Invalid { .. })));
        assert!(validate_template(DEFAULT_TEMPLATE).is_ok());
        assert!(validate_template("feature/").is_err());
    }

    #[test]
    fn names_git_refuses_are_refused() {
        for name in [
            "",
            "@",
            "HEAD",
            "-x",
            "/x",
            "x/",
            "a//b",
            "a..b",
            "x.",
            "a@{b",
            "a b",
            "a~b",
            "a^b",
            "a:b",
            "a?b",
            "a*b",
            "a[b",
            "a\\b",
            ".x",
            "a/.b",
            "x.lock",
            "a.lock/b",
            "a\u{7f}b",
            "a\tb",
            "refs/heads/x",
        ] {
            assert!(validate_name(name).is_err(), "{name:?}");
        }
        for name in ["main", "feature/KAN-4", "a.b", "a@b", "été", "x.lockx", "a-", "HEAD2", "日本"] {
            assert_eq!(validate_name(name), Ok(()), "{name:?}");
        }
        assert_eq!(validate_name(&"x".repeat(201)), Err(BranchError::TooLong(201)));
    }

    #[test]
    fn the_key_is_found_again() {
        for (branch, expected) in [
            ("feature/KAN-12", Some("KAN-12")),
            ("feature/KAN-12-fix-utf-8", Some("KAN-12")),
            ("bob/kan-12", Some("KAN-12")),
            ("user-1/KAN-12", Some("KAN-12")),
            ("MY-KAN-12", Some("KAN-12")),
            ("x_KAN-12.2", Some("KAN-12")),
            ("KAN-12a", None),
            ("éKAN-12", None),
            ("KAN-012", None),
            ("KAN-0", None),
            ("K-1", None),
            ("main", None),
            ("KAN-99999999999999", None),
        ] {
            assert_eq!(find_key(branch).map(|k| k.to_string()).as_deref(), expected, "{branch}");
        }
    }

    proptest! {
        #[test]
        fn every_rendered_name_is_valid_and_leads_back(
            prefix in "[A-Z][A-Z0-9]{1,9}", number in 1u32..=999_999_999, title in any::<String>(), user in "\\PC{0,20}",
            template in prop::sample::select(vec!["feature/{key}", "{key}-{slug}", "{user}/{key}", "{user}/{key}/{slug}", "{key}.{slug}"]),
        ) {
            let key = TicketKey::new(&prefix, number).unwrap();
            match render(template, &key, &title, &user) {
                Ok(name) => {
                    prop_assert_eq!(validate_name(&name), Ok(()));
                    prop_assert_eq!(find_key(&name), Some(key));
                }
                Err(error) => prop_assert!(matches!(error, BranchError::NoUser(_) | BranchError::TooLong(_)), "{}", error),
            }
        }

        #[test]
        fn looking_for_a_key_never_panics(branch in any::<String>()) {
            find_key(&branch);
            let _ = validate_name(&branch);
            let _ = render(&branch, &key("KAN-1"), &branch, &branch);
        }
    }
}
