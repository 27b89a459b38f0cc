//! Names with `*`: whether a name fits a pattern of the configuration. Case does not matter; everything but `*` stands for itself.

/// Whether `name` fits `pattern`.
pub fn fits(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().flat_map(char::to_lowercase).collect();
    let name: Vec<char> = name.chars().flat_map(char::to_lowercase).collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on when what follows the last star does not fit: one character further in the name.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                p += 1;
                retry = Some((p, n));
            }
            Some(c) if *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    p = after_star;
                    n = from + 1;
                    retry = Some((after_star, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether `name` fits one of them.
pub fn fits_any(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything_and_all_else_for_itself() {
        for (pattern, name, expected) in [
            ("*[bot]", "renovate[bot]", true),
            ("*[bot]", "robot", false),
            ("*-bot", "release-bot", true),
            ("*-bot", "release-bot-2", false),
            ("dependabot*", "Dependabot", true),
            ("*Build Service*", "Shop Build Service (contoso)", true),
            ("hotfix/*", "hotfix/login", true),
            ("hotfix/*", "feature/hotfix/login", false),
            ("hotfix", "hotfix", true),
            ("", "", true),
            ("", "x", false),
            ("*", "", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("**", "x", true),
            ("ÄRGER*", "ärgerlich", true),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} {name}");
        }
    }
}
