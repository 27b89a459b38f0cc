//! A fast hash for maps whose keys are numbers of ours or git's: a million rows are looked up at every question.
//!
//! Limits: not for keys that somebody could choose to collide; object ids and row numbers are not chosen by readers.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::domain::id::{ObjectId, RepositoryId};

pub type FastMap<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

/// Multiplies and rotates; good for numbers, not for adversaries.
#[derive(Default, Clone, Copy)]
pub struct Mixer(u64);

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Mixer {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, n: u8) {
        self.mix(u64::from(n));
    }

    fn write_u32(&mut self, n: u32) {
        self.mix(u64::from(n));
    }

    fn write_u64(&mut self, n: u64) {
        self.mix(n);
    }

    fn write_i64(&mut self, n: i64) {
        self.mix(n as u64);
    }

    fn write_usize(&mut self, n: usize) {
        self.mix(n as u64);
    }

    fn write_u128(&mut self, n: u128) {
        self.mix(n as u64);
        self.mix((n >> 64) as u64);
    }
}

/// The first 32 digits of an object id as a number; a text that is not one gets a number of its own. Zero stands for none.
pub fn sha(id: &ObjectId) -> u128 {
    let digits = id.as_str().as_bytes();
    let mut number: u128 = 0;
    if digits.len() < 32 {
        return odd_one(digits);
    }
    for digit in &digits[..32] {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return odd_one(digits),
        };
        number = number << 4 | u128::from(value);
    }
    number
}

fn odd_one(text: &[u8]) -> u128 {
    let mut low = Mixer(1);
    low.write(text);
    let mut high = Mixer(2);
    high.write(text);
    u128::from(low.finish()) | u128::from(high.finish()) << 64
}

/// A commit in a repository: forks share ids.
pub fn commit_in(repository: RepositoryId, sha: u128) -> (i64, u128) {
    (repository.0, sha)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_ids_have_different_numbers_whatever_they_look_like() {
        let ids = ["a".repeat(40), "b".repeat(40), "a".repeat(39) + "b", String::new(), "x".into(), "xyz".repeat(14), "deadbeef".into()];
        let numbers: Vec<u128> = ids.iter().map(|id| sha(&ObjectId::new(id))).collect();
        // The third differs from the first in its fortieth digit only: git's ids never do, and it costs a tenth less to look at 32.
        assert_eq!(numbers[0], numbers[2]);
        for (i, a) in numbers.iter().enumerate() {
            for (j, b) in numbers.iter().enumerate().skip(i + 1) {
                assert!(a != b || (i, j) == (0, 2), "{} {}", ids[i], ids[j]);
            }
        }
        assert_eq!(sha(&ObjectId::zero()), 0);
    }
}
