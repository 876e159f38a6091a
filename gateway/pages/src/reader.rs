//! Who reads: in which language, at which size of type, asking what. Both switches are remembered by a cookie each, which
//! says nothing about the person.

use axum::extract::FromRequestParts;
use chrono::{DateTime, Utc};
use http::{HeaderValue, header::COOKIE, request::Parts};
use url::form_urlencoded;

use crate::Site;

/// Characters of a value in the query at the most; the portal refuses long searches itself.
const VALUE_CHARS_MAX: usize = 1_000;
/// A year, in seconds.
const COOKIE_AGE: u32 = 31_536_000;

/// A language the pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    Zh,
    En,
}

impl Lang {
    /// The text in this language.
    pub fn t<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// Whether it is Chinese, for sentences made from parts.
    pub fn is_zh(self) -> bool {
        self == Self::Zh
    }
}

/// A request for a page.
#[derive(Clone)]
pub struct Reader {
    pub lang: Lang,
    /// Large type (适老化).
    pub large: bool,
    pub site: Site,
    /// When the page is made.
    pub now: DateTime<Utc>,
    path: String,
    query: Vec<(String, String)>,
    cookies: Vec<HeaderValue>,
}

impl Reader {
    /// A value of the query, without white space around it; empty when there is none.
    pub fn get(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(key, _)| key == name);
        let text = found.map_or("", |(_, value)| value.trim());
        match text.char_indices().nth(VALUE_CHARS_MAX) {
            Some((end, _)) => &text[..end],
            None => text,
        }
    }

    /// The page's own address without query, for citing.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The same page with some values of the query changed; an empty one is left out.
    pub fn with(&self, changes: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept = self.query.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let kept =
            kept.filter(|(key, _)| !matches!(*key, "lang" | "size") && changes.iter().all(|(name, _)| name != key));
        for (key, value) in kept.chain(changes.iter().copied()).filter(|(_, value)| !value.is_empty()) {
            query.append_pair(key, value);
        }
        let query = query.finish();
        if query.is_empty() { self.path.clone() } else { format!("{}?{query}", self.path) }
    }

    /// Cookies for switches that were used.
    pub fn cookies(&self) -> &[HeaderValue] {
        &self.cookies
    }

    fn new(parts: &Parts, site: Site) -> Self {
        let query: Vec<(String, String)> =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        let mut cookies = Vec::new();
        let mut switch = |name: &str, values: [&'static str; 2]| {
            let known = |text: &str| values.into_iter().find(|value| *value == text);
            let asked = query.iter().find(|(key, _)| key == name).and_then(|(_, value)| known(value));
            if let Some(value) = asked {
                let cookie = format!("{name}={value}; Path=/; Max-Age={COOKIE_AGE}; SameSite=Lax");
                // Both parts are our own ASCII words.
                cookies.extend(HeaderValue::try_from(cookie));
            }
            asked.or_else(|| cookie(parts, name).and_then(known)).unwrap_or(values[0])
        };
        let lang = if switch("lang", ["zh", "en"]) == "en" { Lang::En } else { Lang::Zh };
        let large = switch("size", ["normal", "large"]) == "large";
        Self { lang, large, now: site.clock.now(), site, path: parts.uri.path().to_owned(), query, cookies }
    }
}

impl FromRequestParts<Site> for Reader {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> Result<Self, Self::Rejection> {
        Ok(Self::new(parts, site.clone()))
    }
}

fn cookie<'a>(parts: &'a Parts, name: &str) -> Option<&'a str> {
    let headers = parts.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = headers.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
}
