//! Headers every answer carries: what the browser may load and do, and how long an answer may be kept.

use std::sync::LazyLock;

use http::header::{
    CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};

/// What stands in the work portal's `index.html` for the nonce of the answer.
pub const NONCE_PLACEHOLDER: &str = "__CSP_NONCE__";

const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), encrypted-media=(), fullscreen=(self), \
    geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()";
const POLICY_BEFORE: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'";
const POLICY_AFTER: &str = "; img-src 'self' data:; connect-src 'self'; font-src 'self'; worker-src 'self'; form-action 'self'; \
    base-uri 'none'; frame-ancestors 'none'";
/// Two years.
const TRANSPORT: &str = "max-age=63072000; includeSubDomains";

/// A nonce for the styles of one answer, 128 random bits.
pub fn nonce() -> Result<String, rand::rngs::SysError> {
    use base64::Engine as _;
    use rand::TryRng as _;
    let mut bytes = [0; 16];
    rand::rngs::SysRng.try_fill_bytes(&mut bytes)?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// The same on every answer but for a nonce: made once.
static FIXED: LazyLock<Vec<(HeaderName, HeaderValue)>> = LazyLock::new(|| {
    let mut fixed: Vec<_> = [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (HeaderName::from_static("permissions-policy"), PERMISSIONS),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-frame-options"), "DENY"),
    ]
    .map(|(name, value)| (name, HeaderValue::from_static(value)))
    .into();
    fixed.extend(policy("").map(|policy| (CONTENT_SECURITY_POLICY, policy)));
    fixed
});

/// The policy of an answer whose styles may have more sources.
fn policy(styles: &str) -> Option<HeaderValue> {
    // Plain text, of a nonce base64: a header value.
    HeaderValue::from_str(&format!("{POLICY_BEFORE}{styles}{POLICY_AFTER}")).ok()
}

/// Puts the security headers on an answer. Only an answer that is a page with styles of its own has a nonce for them.
pub fn secure(headers: &mut HeaderMap, nonce: Option<&str>, https: bool) {
    // Room for those that come before and after.
    headers.reserve(FIXED.len() + 4);
    for (name, value) in &*FIXED {
        headers.insert(name.clone(), value.clone());
    }
    if let Some(policy) = nonce.and_then(|nonce| policy(&format!(" 'nonce-{nonce}'"))) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(TRANSPORT));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_no_inline_script_and_one_nonce() {
        let mut headers = HeaderMap::new();
        secure(&mut headers, Some("abc="), false);
        let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("style-src 'self' 'nonce-abc='"));
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"] {
            assert!(policy.contains(directive), "{directive}");
        }
        assert!(!headers.contains_key(STRICT_TRANSPORT_SECURITY));
        secure(&mut headers, None, true);
        assert!(headers.contains_key(STRICT_TRANSPORT_SECURITY));
        assert!(
            headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("; style-src 'self'; "),
            "no nonce, no inline style"
        );
    }

    #[test]
    fn no_two_answers_have_one_nonce() {
        let (one, two) = (nonce().unwrap(), nonce().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 24);
    }
}
