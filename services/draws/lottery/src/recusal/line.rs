//! The log's lines, chained (art. 16): `n TAB time TAB act TAB subject TAB officer_out TAB officer_in TAB other_subject
//! TAB reason TAB asked_by TAB approved_by TAB previous`.

use std::fmt;

use serde_json::json;

use crate::{
    error::{Result, form},
    hash::{Digest, lines},
    json::{self, Members},
    names::{Time, name},
    sign::{Signature, read_signature},
};

/// What stands where nobody joins, and where there is no other subject.
pub const NOBODY: &str = "-";

/// What is done for a recusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Leaves the team; the next candidate joins.
    Withdraw,
    /// Swaps with a partner at another subject.
    Exchange,
}

impl Act {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Withdraw => "WITHDRAW",
            Self::Exchange => "EXCHANGE",
        }
    }

    pub fn parse(text: &str) -> Result<Self> {
        match text {
            "WITHDRAW" => Ok(Self::Withdraw),
            "EXCHANGE" => Ok(Self::Exchange),
            other => form(format!("act {other:?} is neither WITHDRAW nor EXCHANGE")),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line of the log; `Display` writes it without its LF.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub n: u64,
    pub time: Time,
    pub act: Act,
    pub subject: String,
    pub officer_out: String,
    /// [`NOBODY`]: the place stays empty.
    pub officer_in: String,
    /// [`NOBODY`]: a withdrawal.
    pub other_subject: String,
    /// A code.
    pub reason: String,
    pub asked_by: String,
    pub approved_by: String,
    /// `SHA-256(lines(line n-1))`; for the first, the digest of `result.tsv`.
    pub previous: Digest,
}

impl Line {
    /// Reads a line without its LF.
    pub fn parse(text: &str) -> Result<Self> {
        let columns: Vec<&str> = text.split('\t').collect();
        let [n, time, act, subject, out, joins, other, reason, asked_by, approved_by, previous] = columns[..] else {
            return form(format!("{} columns instead of 11", columns.len()));
        };
        let own = |what, text| name(what, text).map(ToOwned::to_owned);
        let line = Self {
            n: number(n)?,
            time: Time::parse(time)?,
            act: Act::parse(act)?,
            subject: own("subject", subject)?,
            officer_out: own("officer_out", out)?,
            officer_in: own("officer_in", joins)?,
            other_subject: own("other_subject", other)?,
            reason: own("reason", reason)?,
            asked_by: own("asked_by", asked_by)?,
            approved_by: own("approved_by", approved_by)?,
            previous: Digest::parse(previous)?,
        };
        if line.act == Act::Withdraw && other != NOBODY {
            return form(format!("a WITHDRAW has no other subject, but names {other}"));
        }
        Ok(line)
    }

    /// `SHA-256(lines(line))`: what the next line and the head name.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest(&self.to_string())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { n, time, act, subject, officer_out, officer_in, other_subject, reason, .. } = self;
        let Self { asked_by, approved_by, previous, .. } = self;
        write!(
            f,
            "{n}\t{time}\t{act}\t{subject}\t{officer_out}\t{officer_in}\t{other_subject}\t{reason}\t{asked_by}\t{approved_by}\t{previous}"
        )
    }
}

pub(super) fn digest(line: &str) -> Digest {
    Digest::of(lines(&[line]).as_bytes())
}

/// A number from 1, without zeros before it.
fn number(text: &str) -> Result<u64> {
    let plain = !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse().ok().filter(|_| plain) {
        Some(number) => Ok(number),
        None => form(format!("{text:?} is not the number of a line")),
    }
}

/// What is signed when line `n` is added, over the digest of that line.
#[must_use]
pub fn log_text(statement: &Digest, n: u64, line: &Digest) -> String {
    lines(&["qingtian-log-v1", &statement.to_string(), &n.to_string(), &line.to_string()])
}

/// The signed head of a log: `{"digest", "n", "signature": {"alg": "EdDSA", "kid", "value"}}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// `SHA-256(lines(line n))`.
    pub digest: Digest,
    pub n: u64,
    /// Over [`log_text`].
    pub signature: Signature,
}

const HEAD: &str = "log head";

impl Head {
    /// Reads the RFC 8785 bytes of a head.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(json::parse(HEAD, bytes)?).map_err(|error| error.in_file(HEAD))
    }

    fn read(value: serde_json::Value) -> Result<Self> {
        let mut all = Members::of("log head", value)?;
        let head = Self {
            digest: Digest::parse(&all.text("digest")?)?,
            n: all.integer("n")?,
            signature: read_signature(&mut all, "signature")?,
        };
        all.done()?;
        Ok(head)
    }

    /// The head's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let Signature { kid, value } = &self.signature;
        json::canonical(&json!({
            "digest": self.digest.to_string(), "n": self.n, "signature": {"alg": "EdDSA", "kid": kid, "value": value},
        }))
    }
}
