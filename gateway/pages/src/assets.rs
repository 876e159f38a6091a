//! The one style sheet, under a name with the hash of its content, so that browsers may keep it for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::{failure, reader::Reader};

const STYLE: &str = include_str!("pages.css");

static STYLE_NAME: LazyLock<String> =
    LazyLock::new(|| format!("pages-{}.css", &hex::encode(Sha256::digest(STYLE.as_bytes()))[..12]));

/// Address of the style sheet.
pub fn style() -> String {
    format!("/assets/{}", *STYLE_NAME)
}

/// A file of ours.
pub async fn file(Path(name): Path<String>, reader: Reader) -> Response {
    let cache = match name.as_str() {
        known if known == *STYLE_NAME => "public, max-age=31536000, immutable",
        // An older page may still ask for an older name; the newest rules are better than none.
        other if other.starts_with("pages") && other.ends_with(".css") => "no-cache",
        _ => return failure::no_page(reader).await,
    };
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, cache)], STYLE).into_response()
}
