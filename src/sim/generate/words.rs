//! What people write in a generated organisation: titles, messages, remarks, files.
//!
//! Limits: made up, plain ASCII except where a mark shows that marks survive; nothing that a terminal could take for a command.

use super::dice::Dice;

pub(super) const PROJECTS: [(&str, &str, &str); 10] = [
    ("Orchard", "ORC", "Storefront and checkout"),
    ("Lantern", "LAN", "Search and recommendations"),
    ("Meadow", "MEA", "Customer accounts"),
    ("Quarry", "QUA", "Stock and warehouses"),
    ("Compass", "COM", "Shared libraries"),
    ("Willow", "WIL", "Design system and guidelines"),
    ("Foundry", "FOU", "Invoices and payments"),
    ("Beacon", "BEA", "Notifications"),
    ("Thicket", "THI", "Partner interfaces"),
    ("Brook", "BRO", "Data platform"),
];

const VERBS: [&str; 14] = [
    "Add", "Fix", "Simplify", "Cache", "Validate", "Retry", "Measure", "Rename", "Split", "Remove", "Document", "Guard", "Speed up", "Log",
];
const THINGS: [&str; 28] = [
    "the price rounding",
    "empty baskets",
    "the export of orders",
    "late deliveries",
    "the address form",
    "currency symbols",
    "the health check",
    "expired vouchers",
    "the search index",
    "old sessions",
    "the retry of payments",
    "duplicate e-mails",
    "the café menu",
    "page titles",
    "the nightly import",
    "time zones",
    "the stock counter",
    "partial refunds",
    "the login throttle",
    "image sizes",
    "the audit trail",
    "postal codes",
    "the feature switch",
    "slow queries",
    "the webhook signature",
    "broken links",
    "the pagination",
    "default settings",
];
const MODULES: [&str; 16] = [
    "basket", "prices", "orders", "export", "address", "session", "search", "import", "stock", "refund", "login", "image", "audit",
    "settings", "queue", "mail",
];
const REMARKS: [&str; 14] = [
    "Could this be a constant?",
    "What happens if the list is empty?",
    "I would expect a test for the second branch.",
    "Nice, that was overdue.",
    "The name does not say that it also saves.",
    "Does this still hold when two requests come at once?",
    "Please mention this in the changelog.",
    "Are you sure about the time zone here?",
    "We had the same bug in the import last month.",
    "This reads better, thank you.",
    "Would an early return help?",
    "The message should say what to do next.",
    "Why not reuse the helper from the session module?",
    "I tried it locally, works.",
];
const REPLIES: [&str; 8] = [
    "Good catch, done.",
    "Changed in the last commit.",
    "That is intended, I added a comment.",
    "Let us do that in a follow-up.",
    "It is covered by the test above.",
    "Right, fixed.",
    "I would rather keep it, see the ticket.",
    "Yes, checked with two workers.",
];
const STEPS: [&str; 12] = [
    "Write the failing test first",
    "Make it pass",
    "Address review remarks",
    "Rename for clarity",
    "Move the check up front",
    "Cover the empty case",
    "Tidy up imports",
    "Update the changelog",
    "Handle the timeout",
    "Read the setting once",
    "Drop dead code",
    "Explain the constant",
];
const BUMPS: [&str; 8] = ["serde-lite", "httpkit", "left-align", "tinylog", "yamlite", "moment-ish", "retryable", "colorful"];

/// `Fix the price rounding`
pub(super) fn title(dice: &mut Dice) -> String {
    format!("{} {}", dice.pick(&VERBS), dice.pick(&THINGS))
}

pub(super) fn bump(dice: &mut Dice) -> (String, &'static str) {
    let what = dice.pick(&BUMPS);
    let (major, minor) = (dice.between(1, 5), dice.between(0, 20));
    (format!("Bump {what} from {major}.{minor}.0 to {major}.{}.0", minor + 1), what)
}

pub(super) fn step(dice: &mut Dice) -> &'static str {
    dice.pick(&STEPS)
}

pub(super) fn remark(dice: &mut Dice) -> &'static str {
    dice.pick(&REMARKS)
}

pub(super) fn reply(dice: &mut Dice) -> &'static str {
    dice.pick(&REPLIES)
}

pub(super) fn module(dice: &mut Dice) -> &'static str {
    dice.pick(&MODULES)
}

/// `fix-the-price-rounding`
pub(super) fn slug(title: &str) -> String {
    let mut slug = String::new();
    for letter in title.chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.truncate(40);
    slug.trim_end_matches('-').to_owned()
}

/// What a file holds after its `serial`-th change in the repository.
pub(super) fn content(path: &str, serial: u32) -> String {
    let name: String = path.rsplit('/').next().unwrap_or(path).chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if path.ends_with(".md") {
        return format!("# {name}\n\nRevision {serial}.\n");
    }
    format!("// {path}\npub fn {name}_{serial}(input: u32) -> u32 {{\n    input.wrapping_mul({}) ^ {serial}\n}}\n", serial * 2 + 1)
}
