//! Text and attributes of HTML, and a page filled into its template.
//!
//! Whatever comes from outside goes through [`text`]; what is made here and safe already is a [`Markup`].

use std::fmt;

use crate::metrics::breaks::unbroken;
use crate::notice::inert;

/// HTML that was made here, with everything from outside in it escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Markup(String);

impl Markup {
    /// Takes HTML as it is: for what this crate wrote.
    pub fn made(html: impl Into<String>) -> Self {
        Self(html.into())
    }

    pub fn push(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Extend<Markup> for Markup {
    fn extend<T: IntoIterator<Item = Markup>>(&mut self, all: T) {
        for one in all {
            self.push(&one);
        }
    }
}

impl FromIterator<Markup> for Markup {
    fn from_iter<T: IntoIterator<Item = Markup>>(all: T) -> Self {
        let mut made = Self::default();
        made.extend(all);
        made
    }
}

/// Text that may stand between tags and in quoted attributes. A number does not break off its unit.
pub fn text(text: impl AsRef<str>) -> Markup {
    let text = inert(text.as_ref());
    let mut out = String::with_capacity(text.len() + 8);
    for c in unbroken(&text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    Markup(out)
}

/// A template with each `{{name}}` replaced. What stands for a name is never looked at again, so a text cannot name another.
///
/// A name that nothing was given for becomes nothing; a test holds that the page's all are given.
pub fn fill(template: &str, parts: &[(&str, Markup)]) -> String {
    let mut out = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        if let Some((_, part)) = parts.iter().find(|(known, _)| *known == name) {
            out.push_str(&part.0);
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_cannot_open_a_tag_or_leave_an_attribute() {
        assert_eq!(
            text("<script>alert(\"x\")</script> & 'y'\u{202e}\u{1b}[2J").to_string(),
            "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;[2J"
        );
    }

    #[test]
    fn a_text_that_looks_like_a_place_of_the_template_stays_a_text() {
        let filled = fill("<p>{{a}}</p>{{b}}{{nobody}} {{", &[("a", text("{{b}}")), ("b", Markup::made("<b>b</b>"))]);
        assert_eq!(filled, "<p>{{b}}</p><b>b</b> {{");
    }
}
