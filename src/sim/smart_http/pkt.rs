//! The little of git's packet lines that reading and refusing a push needs.
//!
//! Limits: the head of a push and its report; everything else is left to git.

use crate::sim::deed::Moved;

pub const FLUSH: &[u8] = b"0000";

#[derive(Debug, Default)]
pub struct Commands {
    pub rows: Vec<Moved>,
    pub wants_report: bool,
    pub wants_side_band: bool,
}

pub enum Parsed {
    Whole(Commands),
    Unfinished,
    Broken,
}

/// The ref updates at the head of a push, up to the first flush.
pub fn commands(read: &[u8]) -> Parsed {
    let mut commands = Commands::default();
    let mut rest = read;
    loop {
        let Some((length, _)) = rest.split_at_checked(4) else {
            return Parsed::Unfinished;
        };
        let length = std::str::from_utf8(length).ok().and_then(|digits| usize::from_str_radix(digits, 16).ok());
        match length {
            Some(0) => return Parsed::Whole(commands),
            Some(length) if length >= 4 => {
                let Some((line, after)) = rest.split_at_checked(length) else {
                    return Parsed::Unfinished;
                };
                command(&line[4..], &mut commands);
                rest = after;
            }
            _ => return Parsed::Broken,
        }
    }
}

fn command(line: &[u8], commands: &mut Commands) {
    let mut halves = line.splitn(2, |byte| *byte == 0);
    let head = String::from_utf8_lossy(halves.next().unwrap_or_default()).into_owned();
    if let Some(capabilities) = halves.next() {
        for word in String::from_utf8_lossy(capabilities).split_whitespace() {
            commands.wants_report |= word.starts_with("report-status");
            commands.wants_side_band |= word == "side-band-64k";
        }
    }
    let mut words = head.trim_end().splitn(3, ' ');
    if let (Some(old), Some(new), Some(name)) = (words.next(), words.next(), words.next())
        && old.len() == 40
        && new.len() == 40
    {
        commands.rows.push(Moved { name: name.to_owned(), old: old.to_owned(), new: new.to_owned() });
    }
}

pub fn line(out: &mut Vec<u8>, content: &[u8]) {
    out.extend_from_slice(format!("{:04x}", content.len() + 4).as_bytes());
    out.extend_from_slice(content);
}

/// The report of a push of which nothing was done.
pub fn report(commands: &Commands, refused: &[Option<String>]) -> Vec<u8> {
    if !commands.wants_report {
        return FLUSH.to_vec();
    }
    let mut report = Vec::new();
    line(&mut report, b"unpack ok\n");
    for (row, reason) in commands.rows.iter().zip(refused) {
        let reason = reason.as_deref().unwrap_or("another ref of this push was refused");
        line(&mut report, format!("ng {} {reason}\n", row.name).as_bytes());
    }
    report.extend_from_slice(FLUSH);
    if !commands.wants_side_band {
        return report;
    }
    let mut banded = Vec::new();
    // A band holds less than 64 KiB a packet.
    for part in report.chunks(60_000) {
        line(&mut banded, &[&[1], part].concat());
    }
    banded.extend_from_slice(FLUSH);
    banded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_when_the_list_is_whole() {
        let (old, new) = ("0".repeat(40), "a".repeat(40));
        let mut bytes = Vec::new();
        line(&mut bytes, format!("{old} {new} refs/heads/x\0 report-status-v2 side-band-64k agent=g\n").as_bytes());
        line(&mut bytes, format!("{new} {old} refs/heads/y\n").as_bytes());
        assert!(matches!(commands(&bytes), Parsed::Unfinished));
        bytes.extend_from_slice(b"0000PACK");
        let Parsed::Whole(read) = commands(&bytes) else {
            panic!("whole");
        };
        let names: Vec<_> = read.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["refs/heads/x", "refs/heads/y"]);
        assert!(read.wants_report && read.wants_side_band);
        assert!(matches!(commands(b"zzzz"), Parsed::Broken));
        assert!(matches!(commands(b"0000"), Parsed::Whole(read) if read.rows.is_empty()));
    }
}
