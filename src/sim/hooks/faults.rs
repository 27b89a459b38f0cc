//! How delivery misbehaves when told to: duplicates, disorder, delay, loss, and a standstill.
//!
//! The same seed shuffles and drops the same way. Limits: what is under way when a fault is switched on is not touched.
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Which deliveries are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Drop {
    /// The next so many.
    Next(u32),
    /// About so many of a hundred, as `"25%"`.
    #[serde(with = "percent")]
    Percent(u8),
}

impl Default for Drop {
    fn default() -> Self {
        Drop::Next(0)
    }
}

/// What to do wrong; the default is nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub struct HookFaults {
    /// Each delivery is made so many times more, one after the other.
    pub duplicate: u32,
    /// Each delivery is held back for a random time up to so many milliseconds, and only one is made at a time.
    pub reorder: i64,
    /// Each delivery is made so many seconds (of the world's clock) late.
    pub delay: i64,
    /// Never sent, though counted: the receiver can see the gap in the numbers.
    pub drop: Drop,
    /// Nothing is sent until it is lifted; nothing is lost.
    pub paused: bool,
    /// Of the random choices.
    pub seed: u64,
}

mod percent {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(percent: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{percent}%"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_suffix('%').and_then(|digits| digits.parse().ok()).filter(|number| *number <= 100);
        number.ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not a share such as \"25%\"")))
    }
}

/// A fault of delivery that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no fault of webhooks; write some of duplicate=1,reorder=500,delay=3,drop=2 (or drop=25%),paused,seed=7")]
pub struct FaultError(String);

impl FromStr for HookFaults {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let wrong = || FaultError(text.to_owned());
        let mut faults = HookFaults::default();
        for part in text.split(',') {
            let (name, value) = part.trim().split_once('=').unwrap_or((part.trim(), ""));
            match name {
                "duplicate" => faults.duplicate = value.parse().map_err(|_| wrong())?,
                "reorder" => faults.reorder = value.parse().map_err(|_| wrong())?,
                "delay" => faults.delay = value.parse().map_err(|_| wrong())?,
                "seed" => faults.seed = value.parse().map_err(|_| wrong())?,
                "paused" if value.is_empty() => faults.paused = true,
                "drop" => {
                    faults.drop = match value.strip_suffix('%') {
                        Some(share) => Drop::Percent(share.parse().ok().filter(|share| *share <= 100).ok_or_else(wrong)?),
                        None => Drop::Next(value.parse().map_err(|_| wrong())?),
                    }
                }
                _ => return Err(wrong()),
            }
        }
        Ok(faults)
    }
}

/// A sequence that looks random and is the same for the same seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn seeded(seed: u64) -> Self {
        Dice(seed.wrapping_add(0x9e37_79b9_7f4a_7c15))
    }

    /// Below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16;
        mixed.checked_rem(bound).unwrap_or(0)
    }
}

impl HookFaults {
    /// Whether the next delivery is lost; counts a counted loss down.
    pub fn loses(&mut self, dice: &mut Dice) -> bool {
        match &mut self.drop {
            Drop::Next(0) => false,
            Drop::Next(left) => {
                *left -= 1;
                true
            }
            Drop::Percent(share) => dice.below(100) < u64::from(*share),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_read_from_words_and_from_json() {
        let read: HookFaults = "duplicate=1,drop=25%,paused".parse().unwrap();
        assert_eq!(read, HookFaults { duplicate: 1, drop: Drop::Percent(25), paused: true, ..HookFaults::default() });
        let again: HookFaults = serde_json::from_str(r#"{"duplicate":1,"drop":"25%","paused":true}"#).unwrap();
        assert_eq!(again, read);
        let counted: HookFaults = serde_json::from_str(r#"{"drop":3}"#).unwrap();
        assert_eq!(counted.drop, Drop::Next(3));
        for wrong in ["drop=101%", "loud", "delay=x", ""] {
            assert!(wrong.parse::<HookFaults>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_counted_loss_ends() {
        let mut faults = HookFaults { drop: Drop::Next(2), ..HookFaults::default() };
        let mut dice = Dice::seeded(1);
        let lost: Vec<bool> = (0..4).map(|_| faults.loses(&mut dice)).collect();
        assert_eq!(lost, [true, true, false, false]);
    }

    #[test]
    fn dice_fall_evenly_enough_and_the_same_for_a_seed() {
        let mut dice = Dice::seeded(7);
        let low = (0..1000).filter(|_| dice.below(100) < 50).count();
        assert!((400..600).contains(&low), "{low}");
        assert_eq!(Dice::seeded(3).below(1_000_000), Dice::seeded(3).below(1_000_000));
    }
}
