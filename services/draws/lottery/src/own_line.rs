//! What a firm takes home of a draw (art. 10; protocol, section 7): its own line as frozen, salt included, with what proves
//! that it stood there and what decided whether it was drawn. Where the register is withheld from the public, this is how
//! the one who may know checks it all the same; [`crate::verify`] rechecks a kept one against the evidence.

use serde_json::{Value, json};

use crate::{
    error::{Result, form},
    frozen::{LEFT_OUT, SUBJECTS, columns},
    hash::{Digest, Tickets},
    json::{self, Members},
    merkle::Proof,
    names::{draw_id, is_name, name},
};

/// The form of the file.
pub const FORMAT: &str = "qingtian-own-line-v1";
/// A reader refuses a larger file, in bytes.
pub const OWN_LINE_BYTES_MAX: u64 = 1 << 20;

/// A firm's own line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnLine {
    pub draw_id: String,
    /// `SHA-256(statement.json)`.
    pub statement: Digest,
    /// Without its LF.
    pub line: String,
    /// None: it is a line of `left_out.tsv`.
    pub pool: Option<InPool>,
}

/// How the line of a subject in the pool is proved, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPool {
    pub proof: Proof,
    pub seed: Digest,
    pub ticket: Digest,
    /// Of its stratum; none where nobody is drawn in it.
    pub threshold: Option<Digest>,
    /// None: not drawn.
    pub drawn: Option<Placed>,
}

/// Who goes to a drawn subject by `result.tsv`, in the order taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placed {
    /// Empty: no team could be formed.
    pub officers: Vec<String>,
    pub experts: Vec<String>,
}

/// The columns of a line that are not salt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Columns<'a> {
    Pool { key: &'a str, stratum: &'a str, district: &'a str },
    LeftOut { key: &'a str, reason: &'a str },
}

impl OwnLine {
    /// Reads a kept file, however it was indented.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let Some(exact) = json::restated(bytes) else { return form("not a file of the form qingtian-own-line-v1") };
        let mut all = Members::of("own line", json::parse("own line", &exact)?)?;
        if all.text("format")? != FORMAT {
            return form(format!("own line: member \"format\" is not {FORMAT:?}"));
        }
        let file = all.text("file")?;
        let pool = all.members_or_null("pool")?.map(InPool::read).transpose()?;
        if file != if pool.is_some() { SUBJECTS } else { LEFT_OUT } {
            return form(format!("own line: {file:?} is not the file such a line is of"));
        }
        let own = Self {
            draw_id: draw_id(&all.text("draw_id")?)?.to_owned(),
            statement: Digest::parse(&all.text("statement")?)?,
            line: all.text("line")?,
            pool,
        };
        all.done()?;
        if own.line.contains('\n') {
            return form("own line: member \"line\" is more than one line");
        }
        Ok(own)
    }

    /// The RFC 8785 bytes of the file to keep.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        json::canonical(&json!({
            "draw_id": self.draw_id,
            "file": self.file(),
            "format": FORMAT,
            "line": self.line,
            "pool": self.pool.as_ref().map(InPool::to_json),
            "statement": self.statement.to_string(),
        }))
    }

    /// The frozen file it is a line of.
    #[must_use]
    pub fn file(&self) -> &'static str {
        if self.pool.is_some() { SUBJECTS } else { LEFT_OUT }
    }

    /// Its columns; `salted` where its file is withheld.
    pub fn columns(&self, salted: bool) -> Result<Columns<'_>> {
        let text = |bytes| match std::str::from_utf8(bytes) {
            Ok(text) if is_name(bytes) => Ok(text),
            Ok(_) | Err(_) => form("own line: a column is not a name"),
        };
        let line = self.line.as_bytes();
        if self.pool.is_some() {
            let columns = columns::<3>(line, salted).map_err(|why| crate::Error::line(SUBJECTS, 1, why));
            let [key, stratum, district] = columns?;
            return Ok(Columns::Pool { key: text(key)?, stratum: text(stratum)?, district: text(district)? });
        }
        let columns = columns::<2>(line, salted).map_err(|why| crate::Error::line(LEFT_OUT, 1, why));
        let [key, reason] = columns?;
        Ok(Columns::LeftOut { key: text(key)?, reason: text(reason)? })
    }
}

impl InPool {
    fn read(mut all: Members) -> Result<Self> {
        let digest = |value: &Value| match value {
            Value::String(text) => Digest::parse(text),
            _ => form("own line: a step of \"path\" is not a digest"),
        };
        let pool = Self {
            drawn: all.members_or_null("drawn")?.map(Placed::read).transpose()?,
            proof: Proof {
                index: all.integer("index")?,
                size: all.integer("size")?,
                path: all.list("path")?.iter().map(digest).collect::<Result<_>>()?,
            },
            seed: Digest::parse(&all.text("seed")?)?,
            threshold: all.text_or_null("threshold")?.map(|text| Digest::parse(&text)).transpose()?,
            ticket: Digest::parse(&all.text("ticket")?)?,
        };
        all.done()?;
        Ok(pool)
    }

    fn to_json(&self) -> Value {
        json!({
            "drawn": self.drawn.as_ref().map(|placed| json!({"experts": placed.experts, "officers": placed.officers})),
            "index": self.proof.index,
            "path": self.proof.path.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "seed": self.seed.to_string(),
            "size": self.proof.size,
            "threshold": self.threshold.map(|threshold| threshold.to_string()),
            "ticket": self.ticket.to_string(),
        })
    }

    /// Whether ticket and threshold say that it is drawn.
    #[must_use]
    pub fn is_drawn(&self) -> bool {
        self.threshold.is_some_and(|threshold| self.ticket <= threshold)
    }

    /// Whether the ticket is what the seed gives this key.
    #[must_use]
    pub fn is_own_ticket(&self, key: &str) -> bool {
        self.ticket == Tickets::new(&self.seed).subject(key.as_bytes())
    }
}

impl Placed {
    fn read(mut all: Members) -> Result<Self> {
        let people = |list: Vec<Value>| {
            let one = |value: Value| match value {
                Value::String(text) => name("person", &text).map(ToOwned::to_owned),
                _ => form("own line: a person is not a text"),
            };
            list.into_iter().map(one).collect::<Result<Vec<_>>>()
        };
        let placed = Self { officers: people(all.list("officers")?)?, experts: people(all.list("experts")?)? };
        all.done()?;
        Ok(placed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pool: Option<InPool>) -> OwnLine {
        let line = if pool.is_some() { "k1\tA\t410202" } else { "k1\tBUDGET_SPENT" };
        OwnLine { draw_id: "draws/2026-0007".into(), statement: Digest::of(b"s"), line: line.into(), pool }
    }

    fn in_pool() -> InPool {
        let seed = Digest::of(b"seed");
        let ticket = Tickets::new(&seed).subject(b"k1");
        let proof = Proof { index: 1, size: 3, path: vec![Digest::of(b"a"), Digest::of(b"b")] };
        let drawn = Some(Placed { officers: vec!["o2".into(), "o1".into()], experts: vec![] });
        InPool { proof, seed, ticket, threshold: Some(ticket), drawn }
    }

    #[test]
    fn what_is_kept_is_read_back_whatever_its_indentation() {
        let undrawn = InPool { threshold: None, drawn: None, ..in_pool() };
        for own in [own(None), own(Some(in_pool())), own(Some(undrawn))] {
            let bytes = own.to_bytes().unwrap();
            assert_eq!(OwnLine::parse(&bytes).unwrap(), own);
            let value: Value = serde_json::from_slice(&bytes).unwrap();
            assert_eq!(OwnLine::parse(serde_json::to_string_pretty(&value).unwrap().as_bytes()).unwrap(), own);
        }
        assert!(in_pool().is_drawn() && in_pool().is_own_ticket("k1") && !in_pool().is_own_ticket("k2"));
        assert!(!InPool { threshold: None, ..in_pool() }.is_drawn());
    }

    #[test]
    fn anything_else_is_refused() {
        let text = String::from_utf8(own(Some(in_pool())).to_bytes().unwrap()).unwrap();
        for (from, to) in [
            ("qingtian-own-line-v1", "qingtian-own-line-v2"),
            ("subjects.tsv", "left_out.tsv"),
            ("draws/2026-0007", "draws/x"),
            ("\"file\"", "\"extra\":1,\"file\""),
            ("\"k1\\tA", "\"k1\\nA"),
            ("\"officers\":[\"o2\"", "\"officers\":[\"o 2\""),
        ] {
            assert!(OwnLine::parse(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
        assert!(OwnLine::parse(b"").is_err() && OwnLine::parse(b"[]").is_err());
    }

    #[test]
    fn salt_is_no_column_of_a_firm() {
        let salted = OwnLine { line: format!("k1\tA\t410202\t{}", "0a".repeat(16)), ..own(Some(in_pool())) };
        let columns = Columns::Pool { key: "k1", stratum: "A", district: "410202" };
        assert_eq!((salted.columns(true).unwrap(), own(Some(in_pool())).columns(false).unwrap()), (columns, columns));
        assert!(salted.columns(false).is_err() && own(Some(in_pool())).columns(true).is_err());
        assert_eq!(own(None).columns(false).unwrap(), Columns::LeftOut { key: "k1", reason: "BUDGET_SPENT" });
    }
}
