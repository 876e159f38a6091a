//! Pages of a list: keyset inside, opaque outside (AIP-158).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::{Reason, Refusal, Result};

/// Rows a page at the most.
pub const ROWS_MAX: i32 = 1_000;
/// Rows a page when the caller names no number.
pub const ROWS_DEFAULT: i32 = 50;

/// How many rows the page has.
///
/// # Errors
/// `INVALID` outside 0 to [`ROWS_MAX`].
pub fn rows(page_size: i32) -> Result<i64> {
    match page_size {
        0 => Ok(i64::from(ROWS_DEFAULT)),
        1..=ROWS_MAX => Ok(i64::from(page_size)),
        _ => Err(Refusal::invalid("page_size", format!("1 to {ROWS_MAX}"))),
    }
}

/// The token of the page after the row with this key.
pub fn token(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// The key after which the page begins; none for the first page.
///
/// # Errors
/// `PAGE_TOKEN` when the token is not one of ours.
pub fn after(token: &str) -> Result<Option<String>> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Refusal::new(Reason::PageToken))?;
    let key = String::from_utf8(bytes).map_err(|_| Refusal::new(Reason::PageToken))?;
    // PostgreSQL's text holds no NUL, and no key of ours holds a control character.
    if key.is_empty() || key.chars().any(char::is_control) {
        return Err(Refusal::new(Reason::PageToken));
    }
    Ok(Some(key))
}

/// Cuts the one row too many that a query fetched to know whether there is a next page, and makes its token.
pub fn cut<T>(rows: &mut Vec<T>, page: i64, key: impl FnOnce(&T) -> String) -> String {
    let page = usize::try_from(page).unwrap_or(usize::MAX);
    if rows.len() <= page {
        return String::new();
    }
    rows.truncate(page);
    rows.last().map(|row| token(&key(row))).unwrap_or_default()
}

/// A pattern for `like` that finds the text anywhere, whatever it contains.
pub fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_key_and_a_forged_one_is_refused() {
        assert_eq!(after(&token("site:410202/17 某")).unwrap().as_deref(), Some("site:410202/17 某"));
        assert_eq!(after("").unwrap(), None);
        for forged in ["%%%", "AA", "_w", "a"] {
            assert_eq!(after(forged).unwrap_err().reason(), Reason::PageToken, "{forged}");
        }
    }

    #[test]
    fn a_page_has_one_to_a_thousand_rows() {
        assert_eq!((rows(0).unwrap(), rows(1).unwrap(), rows(1_000).unwrap()), (50, 1, 1_000));
        assert!(rows(-1).is_err() && rows(1_001).is_err());
    }

    #[test]
    fn a_next_page_exists_exactly_when_a_row_was_left_over() {
        let mut two = vec![1, 2];
        assert_eq!(cut(&mut two, 2, ToString::to_string), "");
        let mut three = vec![1, 2, 3];
        assert_eq!(cut(&mut three, 2, ToString::to_string), token("2"));
        assert_eq!(three, [1, 2]);
    }

    #[test]
    fn wildcards_in_a_text_are_only_characters() {
        assert_eq!(like(r"50%_\"), r"%50\%\_\\%");
    }
}
