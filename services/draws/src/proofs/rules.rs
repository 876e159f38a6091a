//! What a one-time code is made of, and when it can be used (art. 10). Pure, but for the generator.

use anyhow::Context;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use kit::{
    error::{Reason, Refusal, Result},
    workdays::{legal_day, legal_day_end},
};
use lottery::{Digest, hash::lines};
use rand::{TryRng, rngs::SysRng};
use zeroize::Zeroizing;

use crate::draws::rules::text;

/// Days for which a code can be used: long enough for a letter or for the visit at which the slip is handed over; a lost slip
/// opens nothing afterwards.
pub const VALID_DAYS: i64 = 30;
/// What a code is written with: digits and capitals without I, L, O and U, which are read for others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code: with 5 bits each 80 bits, which nobody guesses.
const CODE_CHARS: usize = 16;
/// Characters of a group as a code is written.
const GROUP_CHARS: usize = 4;

/// A one-time code. It is told once, and only its digest is kept.
pub struct Code(Zeroizing<String>);

impl Code {
    /// A fresh one from the operating system's generator.
    ///
    /// # Errors
    /// The generator fails.
    pub fn new() -> anyhow::Result<Self> {
        let mut bytes = Zeroizing::new([0; CODE_CHARS]);
        SysRng.try_fill_bytes(&mut *bytes).context("the operating system's random generator failed")?;
        // Five bits of each byte: every character is as likely as any other.
        Ok(Self(Zeroizing::new(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())))
    }

    /// What somebody types as one: case, spaces and hyphens do not count, full-width characters are the same, and letters a
    /// code does not have are those they are read for. None when it cannot be one.
    pub fn parse(given: &str) -> Option<Self> {
        let mut code = Zeroizing::new(String::with_capacity(CODE_CHARS));
        for one in given.chars().filter(|one| !one.is_whitespace() && !"-－—–_".contains(*one)) {
            let half_width = match one {
                '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(one) - 0xfee0)?,
                other => other,
            };
            let one = match half_width.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if code.len() == CODE_CHARS || !one.is_ascii() || !ALPHABET.contains(&(one as u8)) {
                return None;
            }
            code.push(one);
        }
        (code.len() == CODE_CHARS).then_some(Self(code))
    }

    /// The code itself in groups, to be told once.
    pub fn told(&self) -> String {
        let groups: Vec<_> = (0..CODE_CHARS).step_by(GROUP_CHARS).map(|at| &self.0[at..at + GROUP_CHARS]).collect();
        groups.join("-")
    }

    /// What is kept of it: SHA-256 with the draw's name, 64 hex digits. It is looked up, so that no comparison takes longer the
    /// more of it is right.
    pub fn digest(&self, draw: &str) -> String {
        Digest::of(lines(&["qingtian-proof-code-v1", draw, &self.0]).as_bytes()).to_string()
    }
}

/// A code as it was issued and used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub draw: String,
    /// From 1 in the draw.
    pub number: i64,
    pub subject: String,
    pub title: String,
    pub creator: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub used_at: Option<DateTime<Utc>>,
    /// When the next one was issued for the same subject.
    pub replaced_at: Option<DateTime<Utc>>,
}

/// State of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Issued,
    Used,
    Revoked,
    Expired,
}

impl Issued {
    /// `draws/{draw}/proofCodes/{number}`: who acts by it, for the audit.
    pub fn name(&self) -> String {
        format!("{}/proofCodes/{}", self.draw, self.number)
    }

    /// How it stands.
    pub fn state(&self, now: DateTime<Utc>) -> State {
        match (self.used_at, self.replaced_at) {
            (Some(_), _) => State::Used,
            (None, Some(_)) => State::Revoked,
            (None, None) if now >= self.expires_at => State::Expired,
            (None, None) => State::Issued,
        }
    }

    /// Checks that it can be used.
    ///
    /// # Errors
    /// `PROOF_CODE_USED`, `PROOF_CODE_REVOKED`, `PROOF_CODE_EXPIRED`.
    pub fn check_usable(&self, now: DateTime<Utc>) -> Result<()> {
        let at = |time: Option<DateTime<Utc>>| time.map(text).unwrap_or_default();
        Err(match self.state(now) {
            State::Issued => return Ok(()),
            State::Used => Refusal::new(Reason::ProofCodeUsed).with("used", at(self.used_at)),
            State::Revoked => Refusal::new(Reason::ProofCodeRevoked).with("issued", at(self.replaced_at)),
            State::Expired => Refusal::new(Reason::ProofCodeExpired).with("expired", text(self.expires_at)),
        })
    }
}

/// When a code issued now expires: [`VALID_DAYS`] after its result is public, or after now if that is later.
pub fn expiry(now: DateTime<Utc>, publish_after: Option<NaiveDate>) -> DateTime<Utc> {
    let public = publish_after.and_then(|day| day.pred_opt()).map(legal_day_end);
    public.map_or(now, |public| public.max(now)) + Duration::days(VALID_DAYS)
}

/// Checks that the result is public: a firm must not learn of an unannounced visit before it (art. 18).
///
/// # Errors
/// `NOT_PUBLIC_YET`.
pub fn check_public(draw: &str, publish_after: Option<NaiveDate>, now: DateTime<Utc>) -> Result<()> {
    match publish_after {
        Some(day) if legal_day(now) < day => {
            Err(Refusal::new(Reason::NotPublicYet).with("name", draw).with("when", day))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_type_it() {
        let code = Code::parse("7K3M-9QXB-0VTA-21WC").unwrap();
        for typed in [
            "7k3m9qxb0vta21wc",
            " 7K3M 9QXB　oVTA 2lwc ",
            "７Ｋ３Ｍ－９ＱＸＢ－０ＶＴＡ－２１ＷＣ",
            "7K3M-9QXB-OVTA-2IWC",
        ] {
            assert_eq!(Code::parse(typed).unwrap().told(), "7K3M-9QXB-0VTA-21WC", "{typed}");
        }
        for wrong in [
            "",
            "7K3M-9QXB-0VTA-21W",
            "7K3M-9QXB-0VTA-21WCX",
            "7K3M-9QXB-0VTA-21WU",
            "7K3M-9QXB-0VTA-21W码",
            &"é".repeat(16),
        ] {
            assert!(Code::parse(wrong).is_none(), "{wrong}");
        }
        assert_ne!(code.digest("draws/2026-0001"), code.digest("draws/2026-0002"));
    }

    #[test]
    fn no_two_codes_are_alike_and_all_characters_occur() {
        let codes: Vec<String> = (0..400).map(|_| Code::new().unwrap().told()).collect();
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 400);
        assert!(codes.iter().all(|code| code.len() == 19 && Code::parse(code).unwrap().told() == *code));
        assert!(ALPHABET.iter().all(|&one| codes.iter().any(|code| code.contains(char::from(one)))));
    }

    #[test]
    fn a_code_lives_a_month_from_the_day_its_result_is_public() {
        let now: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        let month = Duration::days(VALID_DAYS);
        assert_eq!(expiry(now, None), now + month);
        assert_eq!(expiry(now, "2026-11-01".parse().ok()), now + month);
        let day: NaiveDate = "2026-12-31".parse().unwrap();
        assert_eq!(expiry(now, Some(day)), "2026-12-30T16:00:00Z".parse::<DateTime<Utc>>().unwrap() + month);
        let at = |text: &str| text.parse().unwrap();
        let refused = check_public("draws/2026-0001", Some(day), at("2026-12-30T15:59:59Z")).unwrap_err();
        assert_eq!(refused.reason(), Reason::NotPublicYet);
        assert!(check_public("draws/2026-0001", Some(day), at("2026-12-30T16:00:00Z")).is_ok());
    }

    #[test]
    fn a_code_works_once_until_it_expires_or_is_replaced() {
        let now: DateTime<Utc> = "2026-11-23T08:00:00Z".parse().unwrap();
        let issued = Issued {
            draw: "draws/2026-0001".into(),
            number: 1,
            subject: "k".into(),
            title: String::new(),
            creator: "users/a".into(),
            created_at: now,
            expires_at: expiry(now, None),
            used_at: None,
            replaced_at: None,
        };
        assert!(issued.check_usable(now).is_ok());
        let reason = |issued: &Issued, at| issued.check_usable(at).unwrap_err().reason();
        assert_eq!(reason(&issued, issued.expires_at), Reason::ProofCodeExpired);
        let replaced = Issued { replaced_at: Some(now), ..issued.clone() };
        assert_eq!(reason(&replaced, now), Reason::ProofCodeRevoked);
        let used = Issued { used_at: Some(now), ..replaced };
        assert_eq!(reason(&used, now), Reason::ProofCodeUsed);
    }
}
