//! The style sheets, each under a name with the hash of its content, so that browsers may keep them for ever.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use sha2::{Digest, Sha256};

use crate::{failure, reader::Reader};

/// A style sheet.
pub struct Sheet {
    stem: &'static str,
    text: &'static str,
    name: LazyLock<String>,
}

/// Of every page.
pub static PAGES: Sheet =
    Sheet { stem: "pages", text: include_str!("pages.css"), name: LazyLock::new(|| PAGES.hashed()) };
/// Of the ceremony, besides.
pub static CEREMONY: Sheet =
    Sheet { stem: "ceremony", text: include_str!("ceremony.css"), name: LazyLock::new(|| CEREMONY.hashed()) };

impl Sheet {
    fn hashed(&self) -> String {
        format!("{}-{}.css", self.stem, &hex::encode(Sha256::digest(self.text.as_bytes()))[..12])
    }

    /// Where it is.
    pub fn address(&self) -> String {
        format!("/assets/{}", *self.name)
    }
}

/// A file of ours.
pub async fn file(Path(name): Path<String>, reader: Reader) -> Response {
    let own = |sheet: &&Sheet| name.starts_with(sheet.stem) && name.ends_with(".css");
    let Some(sheet) = [&PAGES, &CEREMONY].into_iter().find(own) else { return failure::no_page(reader).await };
    // An older page may still ask for an older name; the newest rules are better than none.
    let cache = if name == *sheet.name { "public, max-age=31536000, immutable" } else { "no-cache" };
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, cache)], sheet.text).into_response()
}
