//! Beacons: public randomness of the future that nobody in the city can choose.

use drand_verify::{G2PubkeyRfc, Pubkey};

use crate::{
    error::{Result, form, rule},
    names::Time,
};

/// First second of round 1 of drand's quicknet, and the seconds between rounds (its published chain information).
const QUICKNET_GENESIS: i64 = 1_692_803_367;
const QUICKNET_PERIOD: i64 = 3;
/// The public key that the League of Entropy signs quicknet's rounds under (scheme `bls-unchained-g1-rfc9380`).
const QUICKNET_KEY: &str = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a";

/// A source and its round, as a BEACON's `contributor` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beacon {
    /// `drand:quicknet:R`: the round's signature, 96 lower-case hex digits.
    DrandQuicknet { round: u64 },
    /// `lottery:ssq:N`: an issue of the national lottery (双色球): six red numbers ascending, then the blue.
    LotterySsq { issue: u64 },
    /// `lottery:demo:N`: the same form, only under a demonstration key.
    LotteryDemo { issue: u64 },
}

impl Beacon {
    /// Parses a contributor; numbers are from 1, written without zeros in front.
    pub fn parse(contributor: &str) -> Result<Self> {
        let number = |text: &str| {
            let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| text.parse::<u64>().ok()).flatten()
        };
        let parsed = contributor.rsplit_once(':').and_then(|(source, round)| match source {
            "drand:quicknet" => Some(Self::DrandQuicknet { round: number(round)? }),
            "lottery:ssq" => Some(Self::LotterySsq { issue: number(round)? }),
            "lottery:demo" => Some(Self::LotteryDemo { issue: number(round)? }),
            _ => None,
        });
        match parsed {
            Some(beacon) => Ok(beacon),
            None => form(format!("beacon {contributor:?} is none of drand:quicknet:R, lottery:ssq:N, lottery:demo:N")),
        }
    }

    /// Checks the form of the value this beacon gave.
    pub fn check_value(&self, value: &str) -> Result<()> {
        let good = match self {
            Self::DrandQuicknet { .. } => {
                value.len() == 96 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            }
            Self::LotterySsq { .. } | Self::LotteryDemo { .. } => is_lottery(value),
        };
        if good {
            return Ok(());
        }
        form(match self {
            Self::DrandQuicknet { .. } => format!("beacon value {value:?} is not 96 lower-case hex digits"),
            Self::LotterySsq { .. } | Self::LotteryDemo { .. } => format!(
                "beacon value {value:?} is not six red numbers ascending from 01 to 33 and a blue one from 01 to 16, two digits each, parted by single spaces"
            ),
        })
    }

    /// Checks that the value is what this beacon gave, where that can be computed: a drand round's value is its signature, and
    /// no round has another. A lottery's numbers only its source can confirm.
    pub fn check_signature(&self, value: &str) -> Result<()> {
        let Self::DrandQuicknet { round } = self else { return Ok(()) };
        self.check_value(value)?;
        let is_signed = || {
            let key = G2PubkeyRfc::from_variable(&hex::decode(QUICKNET_KEY).ok()?).ok()?;
            // A text that is no point of the curve is no signature either.
            key.verify(*round, b"", &hex::decode(value).ok()?).ok()
        };
        if is_signed() == Some(true) { Ok(()) } else { rule(format!("{value} is not the signature of {self}")) }
    }

    /// Whether [`Beacon::check_signature`] says anything of this source.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        matches!(self, Self::DrandQuicknet { .. })
    }

    /// When the round is published, where that follows from its number; a lottery's day does not.
    #[must_use]
    pub fn published_at(&self) -> Option<Time> {
        match self {
            Self::DrandQuicknet { round } => {
                let secs =
                    i64::try_from(round - 1).ok()?.checked_mul(QUICKNET_PERIOD)?.checked_add(QUICKNET_GENESIS)?;
                Time::from_epoch_secs(secs).ok()
            }
            Self::LotterySsq { .. } | Self::LotteryDemo { .. } => None,
        }
    }

    /// The first round of drand's quicknet published at the time or later.
    #[must_use]
    pub fn quicknet_from(time: &Time) -> Self {
        let since = (time.epoch_secs() - QUICKNET_GENESIS).max(0);
        Self::DrandQuicknet { round: since.unsigned_abs().div_ceil(QUICKNET_PERIOD.unsigned_abs()) + 1 }
    }

    #[must_use]
    pub fn is_demonstration(&self) -> bool {
        matches!(self, Self::LotteryDemo { .. })
    }
}

impl std::fmt::Display for Beacon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DrandQuicknet { round } => write!(f, "drand:quicknet:{round}"),
            Self::LotterySsq { issue } => write!(f, "lottery:ssq:{issue}"),
            Self::LotteryDemo { issue } => write!(f, "lottery:demo:{issue}"),
        }
    }
}

fn is_lottery(value: &str) -> bool {
    let numbers: Vec<&str> = value.split(' ').collect();
    let [reds @ .., blue] = numbers.as_slice() else { return false };
    let two_digits = |text: &&str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    reds.len() == 6
        && numbers.iter().all(two_digits)
        && reds.is_sorted_by(|a, b| a < b)
        && reds.iter().all(|red| ("01"..="33").contains(red))
        && ("01"..="16").contains(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_sources_are_beacons() {
        for good in ["drand:quicknet:1", "lottery:ssq:2026084", "lottery:demo:7"] {
            assert_eq!(Beacon::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "drand:quicknet:",
            "drand:quicknet:0",
            "drand:quicknet:01",
            "drand:default:1",
            "lottery:ssq:x",
            "lottery:ssq:1:2",
            "ssq:1",
        ] {
            assert!(Beacon::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_value_has_its_sources_form() {
        let drand = Beacon::DrandQuicknet { round: 1 };
        assert!(drand.check_value(&"0a".repeat(48)).is_ok());
        assert!(drand.check_value(&"0A".repeat(48)).is_err());
        assert!(drand.check_value(&"0a".repeat(47)).is_err());
        let lottery = Beacon::LotterySsq { issue: 2_026_084 };
        assert!(lottery.check_value("01 05 12 18 27 33 16").is_ok());
        for bad in [
            "01 05 12 18 27 33",
            "05 01 12 18 27 33 16",
            "01 01 12 18 27 33 16",
            "1 05 12 18 27 33 16",
            "01 05 12 18 27 34 16",
            "01 05 12 18 27 33 17",
            "00 05 12 18 27 33 16",
            "01  05 12 18 27 33 16",
            "01 05 12 18 27 33 16 ",
            "01 05 12 18 27 33 16 01",
        ] {
            assert!(lottery.check_value(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_drand_rounds_value_is_its_signature_and_no_other() {
        for (round, signature) in crate::testing::QUICKNET {
            let beacon = Beacon::DrandQuicknet { round };
            beacon.check_value(signature).unwrap();
            beacon.check_signature(signature).unwrap();
            for other in [round - 1, round + 1, round.swap_bytes()] {
                let error = Beacon::DrandQuicknet { round: other }.check_signature(signature).unwrap_err().to_string();
                assert!(error.contains(&format!("is not the signature of drand:quicknet:{other}")), "{error}");
            }
        }
        let (round, signature) = crate::testing::QUICKNET[0];
        let beacon = Beacon::DrandQuicknet { round };
        let mut bytes = hex::decode(signature).unwrap();
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(beacon.check_signature(&hex::encode(&bytes)).is_err(), "bit {bit} flipped");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        // The signature and a point of order three: the same pairing, but not the value that drand gave.
        let beacon_of = |round| Beacon::DrandQuicknet { round };
        for other in crate::testing::QUICKNET_TWISTED {
            beacon_of(31_543_812).check_value(other).unwrap();
            assert!(beacon_of(31_543_812).check_signature(other).is_err(), "{other}");
        }
        // No point, the point at infinity, a value of no form.
        for bad in ["0a".repeat(48), format!("c0{}", "00".repeat(47)), "0A".repeat(48), String::new()] {
            assert!(beacon.check_signature(&bad).is_err(), "{bad}");
        }
        Beacon::LotterySsq { issue: 2_026_084 }.check_signature("only its source knows").unwrap();
    }

    #[test]
    fn a_quicknet_round_has_its_second() {
        assert_eq!(Beacon::DrandQuicknet { round: 1 }.published_at().unwrap().as_str(), "2023-08-23T15:09:27Z");
        let noon = Time::parse("2026-09-01T12:00:00Z").unwrap();
        let beacon = Beacon::quicknet_from(&noon);
        let secs = beacon.published_at().unwrap().epoch_secs() - noon.epoch_secs();
        assert!((0..3).contains(&secs), "{secs}");
    }
}
