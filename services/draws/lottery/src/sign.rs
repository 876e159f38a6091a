//! Signatures over a draw's texts, and the published keys they are checked with.
//!
//! Ed25519, domain-separated: a signature of one text can never pass for another's. Whoever holds the key signs the
//! texts made here; [`sign`] does it for a key in memory.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde_json::{Value, json};

use crate::{
    error::{Error, Result, form, rule},
    hash::{Digest, lines},
    json::{self, Members},
    names::Time,
};

pub const SIGNATURES: &str = "signatures.json";
/// The key of a demonstration draw has a `kid` that begins so.
pub const DEMO: &str = "demo-";

/// What is signed when a draw is stated.
#[must_use]
pub fn statement_text(statement: &Digest) -> String {
    lines(&["qingtian-statement-v1", &statement.to_string()])
}

/// What is signed when the entries close; `entries` are all but the beacon's ([`crate::entries::but_the_beacons`]).
#[must_use]
pub fn entries_text(statement: &Digest, entries: &[String]) -> String {
    lines(&["qingtian-entries-v1", &statement.to_string()]) + &lines(entries)
}

/// What is signed at the reveal, over the digest of `draw.json`.
#[must_use]
pub fn draw_text(draw_json: &Digest) -> String {
    lines(&["qingtian-evidence-v1", &draw_json.to_string()])
}

/// One signature with the name of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub kid: String,
    /// 86 characters of base64url.
    pub value: String,
}

impl Signature {
    /// From the 64 bytes a signer outside returned.
    #[must_use]
    pub fn new(kid: &str, bytes: &[u8; 64]) -> Self {
        Self { kid: kid.to_owned(), value: URL_SAFE_NO_PAD.encode(bytes) }
    }

    #[must_use]
    pub fn is_demonstration(&self) -> bool {
        self.kid.starts_with(DEMO)
    }

    /// Checks the signature over a text.
    pub fn check(&self, text: &str, key: &VerifyingKey) -> Result<()> {
        let bytes: Option<[u8; 64]> = URL_SAFE_NO_PAD.decode(&self.value).ok().and_then(|bytes| bytes.try_into().ok());
        let Some(bytes) = bytes else {
            return form("the signature is not 64 bytes in their one spelling in base64url");
        };
        match key.verify_strict(text.as_bytes(), &ed25519_dalek::Signature::from_bytes(&bytes)) {
            Ok(()) => Ok(()),
            Err(_) => rule(format!("the signature by {} does not fit", self.kid)),
        }
    }
}

/// Signs one of the texts above.
#[must_use]
pub fn sign(kid: &str, key: &SigningKey, text: &str) -> Signature {
    Signature::new(kid, &key.sign(text.as_bytes()).to_bytes())
}

/// `signatures.json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    pub draw: Signature,
    pub entries: Signature,
    pub statement: Signature,
}

impl Signatures {
    /// Reads the file: bytes, members and the form of each.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::read(json::parse(SIGNATURES, bytes)?).map_err(|error| error.in_file(SIGNATURES))
    }

    fn read(value: Value) -> Result<Self> {
        let mut all = Members::of("signatures", value)?;
        let signatures = Self {
            draw: read_signature(&mut all, "draw")?,
            entries: read_signature(&mut all, "entries")?,
            statement: read_signature(&mut all, "statement")?,
        };
        all.done()?;
        Ok(signatures)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let one = |signature: &Signature| json!({"alg": "EdDSA", "kid": signature.kid, "value": signature.value});
        json::canonical(
            &json!({"draw": one(&self.draw), "entries": one(&self.entries), "statement": one(&self.statement)}),
        )
    }

    /// All three with the name of what each signs.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &Signature); 3] {
        [("statement", &self.statement), ("entries", &self.entries), ("draw", &self.draw)]
    }
}

pub(crate) fn read_signature(all: &mut Members, member: &str) -> Result<Signature> {
    let mut one = all.members(member)?;
    let (alg, kid, value) = (one.text("alg")?, one.text("kid")?, one.text("value")?);
    one.done()?;
    if alg != "EdDSA" {
        return form(format!("alg of {member} is {alg:?}, not \"EdDSA\""));
    }
    if kid.is_empty() {
        return form(format!("kid of {member} is empty"));
    }
    // Whether the 86 characters are the one spelling of 64 bytes is seen when the signature is checked.
    if value.len() == 86 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_') {
        Ok(Signature { kid, value })
    } else {
        form(format!("value of {member} is not 86 characters of base64url"))
    }
}

/// A published key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub kid: String,
    pub purpose: String,
    /// Signs from this second on.
    pub nbf: i64,
    /// Retired at this second.
    pub exp: Option<i64>,
    pub key: VerifyingKey,
}

/// The keys of a JWKS text that can check a draw: Ed25519 with `purpose` and `nbf`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jwks {
    keys: Vec<PublicKey>,
}

impl Jwks {
    /// Reads a JWKS; keys of other kinds and those without `kid`, `purpose` or `nbf` are left aside. `nbf` and `exp` are seconds
    /// since 1970 or times as the protocol writes them.
    pub fn parse(text: &str) -> Result<Self> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| Error::file("jwks", format!("not JSON: {error}")))?;
        let Some(keys) = value.get("keys").and_then(Value::as_array) else {
            return Err(Error::file("jwks", "has no list of keys"));
        };
        Ok(Self { keys: keys.iter().filter_map(PublicKey::read).collect() })
    }

    /// The JWKS text of keys, as published at `/.well-known/jwks.json`.
    #[must_use]
    pub fn text(keys: &[PublicKey]) -> String {
        let keys: Vec<Value> = keys.iter().map(PublicKey::to_json).collect();
        json!({"keys": keys}).to_string()
    }

    /// The one key of that name.
    pub fn find(&self, kid: &str) -> Result<&PublicKey> {
        let mut named = self.keys.iter().filter(|key| key.kid == kid);
        match (named.next(), named.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => rule(format!("the keys given have none named {kid:?} for Ed25519 with purpose and nbf")),
            (Some(_), Some(_)) => rule(format!("the keys given have two named {kid:?}")),
        }
    }
}

impl PublicKey {
    fn read(value: &Value) -> Option<Self> {
        let text = |member: &str| value.get(member).and_then(Value::as_str);
        let secs = |value: &Value| value.as_i64().or_else(|| Some(Time::parse(value.as_str()?).ok()?.epoch_secs()));
        if text("kty") != Some("OKP") || text("crv") != Some("Ed25519") {
            return None;
        }
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text("x")?).ok()?.try_into().ok()?;
        let exp = match value.get("exp") {
            None | Some(Value::Null) => None,
            Some(exp) => Some(secs(exp)?),
        };
        Some(Self {
            kid: text("kid")?.to_owned(),
            purpose: text("purpose")?.to_owned(),
            nbf: secs(value.get("nbf")?)?,
            exp,
            key: VerifyingKey::from_bytes(&bytes).ok()?,
        })
    }

    /// The key as a member of a JWKS.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = json!({"alg": "EdDSA", "crv": "Ed25519", "kid": self.kid, "kty": "OKP", "nbf": self.nbf, "purpose": self.purpose, "use": "sig", "x": URL_SAFE_NO_PAD.encode(self.key.as_bytes())});
        if let (Some(exp), Some(members)) = (self.exp, json.as_object_mut()) {
            members.insert("exp".to_owned(), exp.into());
        }
        json
    }

    /// Refuses a key made for something else, or not in force at the time of signing.
    pub fn check_use(&self, purposes: &[&str], at: &Time) -> Result<()> {
        let demonstration = self.kid.starts_with(DEMO) && self.purpose == "demonstration";
        if !demonstration && !purposes.contains(&self.purpose.as_str()) {
            return rule(format!("key {} is for {:?}, not for {}", self.kid, self.purpose, purposes.join(" or ")));
        }
        let secs = at.epoch_secs();
        if secs < self.nbf {
            return rule(format!("key {} was not yet in force at {at}", self.kid));
        }
        if self.exp.is_some_and(|exp| secs >= exp) {
            return rule(format!("key {} was already retired at {at}", self.kid));
        }
        Ok(())
    }
}
