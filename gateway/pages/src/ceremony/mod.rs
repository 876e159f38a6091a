//! The ceremony of a draw (art. 10, 15): one calm page for the projector in the room and for whoever watches from afar. It
//! shows what is fixed, who gives which number, and who is drawn, in the order of the tickets.
//!
//! The page is whole without script. With it, `recheck/src/ceremony.ts` asks [`live`] for the same parts again and puts in
//! place what changed: one writer of the words, in both languages, and nothing that the reload of the page would not show.

mod parts;
mod qr;

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};
use maud::{Markup, html};
use proto::qingtian::{draws::v1::DrawState, portal::v1 as pb};
use sha2::{Digest, Sha256};

use crate::{
    ask,
    draw::Facts,
    draws,
    failure::{Failure, Refused},
    frame,
    frame::Head,
    reader::{Lang, Reader},
};

/// Drawn subjects of one page: what fits its weight.
const ROWS: i32 = 100;

/// What the ceremony shows of a draw.
struct Ceremony {
    facts: Facts,
    /// The drawn, once they are public.
    drawn: Option<Result<pb::ListDrawnResponse, Refused>>,
}

impl Ceremony {
    /// Asks for one page of the drawn, the token being that of the page before.
    async fn ask(reader: &Reader, number: &str, page_token: &str) -> Result<Self, Failure> {
        let facts = Facts::of(reader, ask::draw(reader, number).await?);
        let request = pb::ListDrawnRequest {
            parent: facts.public.name.clone(),
            page_size: ROWS,
            page_token: page_token.to_owned(),
            ..pb::ListDrawnRequest::default()
        };
        let is_listed = facts.is_public() && !facts.is_withheld("subjects.tsv");
        let drawn = if is_listed { Some(ask::list_drawn(reader, request).await) } else { None };
        Ok(Self { facts, drawn })
    }

    /// Whether nothing more will come: a script that follows may rest.
    fn is_over(&self) -> bool {
        match self.facts.state {
            DrawState::Abandoned | DrawState::Failed => true,
            DrawState::Revealed | DrawState::Dispatched | DrawState::Done => !matches!(self.drawn, Some(Err(_))),
            DrawState::Unspecified | DrawState::Created | DrawState::Stated | DrawState::Contributing => false,
        }
    }

    fn show(&self, reader: &Reader) -> Markup {
        html! {
            div #ceremony data-over=(self.is_over()) {
                @for part in parts::all(reader, &self.facts, self.drawn.as_ref()) { (part) }
            }
        }
    }
}

/// `/draws/{number}/ceremony`.
pub async fn page(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let ceremony = Ceremony::ask(&reader, &number, reader.get("page")).await?;
    let facts = &ceremony.facts;
    let title = format!("{} {}", lang.t("抽签现场", "Ceremony of draw"), facts.number);
    let href = format!("/draws/{}", facts.number);
    // A later page of the drawn has nothing to follow.
    let live = reader
        .get("page")
        .is_empty()
        .then(|| format!("{href}/ceremony/live?in={}", if lang.is_zh() { "zh" } else { "en" }));
    let body = html! {
        h1 { (title) br; span.sub { (draws::title(&facts.public)) } }
        p.acts.scripted {
            button #whole-screen.second type="button" hidden { (lang.t("全屏显示", "Full screen")) }
            span #following.meta hidden {}
        }
        div #stage data-live=[live] data-now=(reader.now.to_rfc3339()) { (ceremony.show(&reader)) }
    };
    let trail = [
        ("/draws", lang.t("抽查", "Draws")),
        (href.as_str(), facts.number.as_str()),
        (reader.path(), lang.t("抽签现场", "Ceremony")),
    ];
    Ok(frame::page(&reader, Head { title: &title, trail: &trail, ceremony: true, ..Head::default() }, body))
}

/// `/draws/{number}/ceremony/live?in=zh`: the parts that change, the same for everybody, so that a cache may answer a hall full
/// of telephones. `x-time` tells the time here, by which the page counts what is left.
pub async fn live(Path(number): Path<String>, asked: HeaderMap, mut reader: Reader) -> Result<Response, Failure> {
    reader.lang = if reader.get("in") == "en" { Lang::En } else { Lang::Zh };
    let ceremony = Ceremony::ask(&reader, &number, "").await?;
    let text = ceremony.show(&reader).into_string();
    let etag = format!("W/\"{}\"", &hex::encode(Sha256::digest(text.as_bytes()))[..32]);
    let known = asked.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { text.into_response() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
    // Hex digits in quotes, and digits of a time, make header values.
    headers.extend(HeaderValue::try_from(etag).map(|etag| (ETAG, etag)));
    let now = HeaderValue::try_from(reader.now.to_rfc3339());
    headers.extend(now.map(|now| (http::HeaderName::from_static("x-time"), now)));
    Ok(response)
}
