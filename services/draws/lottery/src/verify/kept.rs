//! The statement as somebody kept it before the draw, such as a witness (art. 15; protocol, section 2): whether the evidence is
//! of the very same. What the operator could not do to those who kept it, it could not do to anybody.

use serde_json::Value;

use super::{Checks, inputs::Inputs};
use crate::{
    Digest,
    error::{Result, form},
    json::canonical,
    sign::{Jwks, Signature, statement_text},
    statement::STATEMENT,
};

/// Bytes of a kept statement at the most.
pub const KEPT_BYTES_MAX: u64 = 1 << 20;

/// A kept statement: `statement.json` itself, or the file a witness saves, which holds its text and signature.
struct Kept {
    statement: Vec<u8>,
    signature: Option<Signature>,
}

/// Reads a kept file. One saved for a witness is `{"draw", "kid", "signature", "statement", "statement_json"}`.
fn read(bytes: &[u8]) -> Result<Kept> {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else {
        return form("it is neither statement.json nor a saved statement");
    };
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let Some(statement) = text("statement_json") else {
        return Ok(Kept { statement: bytes.to_vec(), signature: None });
    };
    let signature = match (text("kid"), text("signature")) {
        (Some(kid), Some(value)) if !kid.is_empty() => Some(Signature { kid: kid.to_owned(), value: value.to_owned() }),
        _ => None,
    };
    Ok(Kept { statement: statement.as_bytes().to_vec(), signature })
}

/// Compares the bundle's statement with the kept one, byte for byte, and checks the kept signature.
pub(super) fn check(inputs: &Inputs, bytes: &[u8], jwks: Option<&Result<Jwks>>, checks: &mut Checks) {
    let kept = match read(bytes) {
        Ok(kept) => kept,
        Err(error) => return checks.fail("kept_statement", None, format!("the kept file cannot be read: {error}")),
    };
    let digest = Digest::of(&kept.statement);
    match inputs.bytes(STATEMENT) {
        None => checks.skip("kept_statement", None, inputs.why_absent(STATEMENT)),
        Some(own) if own == kept.statement => {
            checks.pass(
                "kept_statement",
                None,
                format!("the draw is of statement {digest}, byte for byte the one kept"),
            );
        }
        Some(own) => checks.fail(
            "kept_statement",
            None,
            format!(
                "kept was statement {digest}, the draw is of {}: {}",
                Digest::of(own),
                difference(own, &kept.statement)
            ),
        ),
    }
    if let Some(signature) = kept.signature {
        let signed = match jwks {
            None => return checks.skip("kept_signature", None, "not checked because no key was given"),
            Some(Err(error)) => Err(error.to_string()),
            Some(Ok(jwks)) => jwks
                .find(&signature.kid)
                .and_then(|key| signature.check(&statement_text(&digest), &key.key))
                .map_err(|error| error.to_string()),
        };
        match signed {
            Ok(()) => checks.pass("kept_signature", None, format!("what was kept was signed by key {}", signature.kid)),
            Err(error) => checks.fail("kept_signature", None, format!("what was kept was never signed so: {error}")),
        }
    }
}

/// Which members differ, for whoever looks on.
fn difference(own: &[u8], kept: &[u8]) -> String {
    let object = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok().filter(Value::is_object);
    let (Some(own), Some(kept)) = (object(own), object(kept)) else { return "one of them is no statement".to_owned() };
    let of = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let (own, kept) = (of(&own), of(&kept));
    let mut names: Vec<&String> = own.keys().chain(kept.keys()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| own.get(*name).map(canonical) != kept.get(*name).map(canonical));
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    if names.is_empty() { "the spelling alone".to_owned() } else { format!("{} differ", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::{
        statement::STATEMENT,
        testing::{Draw, Shape, jwks, sign_statement},
        verify::{Beside, Options, Report, Verdict, verify_with},
    };

    fn of(draw: &Draw, kept: &[u8], keys: Option<&str>) -> Report {
        let options = Options { jwks: keys, demo: true, ..Options::default() };
        verify_with(draw.bundle().unwrap().as_slice(), &options, &Beside { statement: Some(kept), ..Beside::default() })
    }

    fn outcome(report: &Report, id: &str) -> Option<Option<bool>> {
        report.checks.iter().find(|check| check.id == id).map(|check| check.ok)
    }

    #[test]
    fn a_draw_is_of_the_statement_that_was_kept() {
        let (draw, other) = (Draw::random(1, &Shape::default()).unwrap(), Draw::random(2, &Shape::default()).unwrap());
        let keys = jwks();
        let text = |draw: &Draw| String::from_utf8(draw.files[STATEMENT].clone()).unwrap();
        let saved = |draw: &Draw, signature: &str| {
            json!({"draw": draw.intent.draw_id, "kid": draw.kid, "signature": signature, "statement_json": text(draw)})
                .to_string()
                .into_bytes()
        };
        let good = of(&draw, &saved(&draw, &sign_statement(&draw)), Some(&keys));
        assert_eq!(good.verdict, Verdict::Verified, "{:?}", good.failed().collect::<Vec<_>>());
        assert_eq!(
            (outcome(&good, "kept_statement"), outcome(&good, "kept_signature")),
            (Some(Some(true)), Some(Some(true)))
        );
        let plain = of(&draw, &draw.files[STATEMENT], Some(&keys));
        assert_eq!((plain.verdict, outcome(&plain, "kept_signature")), (Verdict::Verified, None));

        // The operator drew again over another statement, signed as well.
        let again = of(&draw, &saved(&other, &sign_statement(&other)), Some(&keys));
        assert_eq!(again.verdict, Verdict::NotVerified);
        assert_eq!(
            (outcome(&again, "kept_statement"), outcome(&again, "kept_signature")),
            (Some(Some(false)), Some(Some(true)))
        );
        let message = &again.failed().next().unwrap().message;
        assert!(message.contains("commitment, digests") && message.contains("differ"), "{message}");
        // Somebody made up what was kept.
        let made_up = of(&draw, &saved(&draw, &sign_statement(&other)), Some(&keys));
        assert_eq!(outcome(&made_up, "kept_signature"), Some(Some(false)));
        assert_eq!(of(&draw, b"no json", Some(&keys)).verdict, Verdict::NotVerified);
        assert_eq!(outcome(&of(&draw, &saved(&draw, &sign_statement(&draw)), None), "kept_signature"), Some(None));
    }
}
