//! The public portal (公众服务门户, art. 9, 10, 18, 26, 33): what is planned, what is drawn, who was drawn, and how anybody
//! checks it. Pages are made on the server, in Chinese first and in English by a switch, and read without script.
//!
//! A request becomes a [`reader::Reader`] (language, size of type, query), a page asks the portal by [`ask`] and puts its
//! text into the [`frame`]. Nothing is kept here and nothing is decided here.

mod about;
mod ask;
mod assets;
mod caps;
mod ceremony;
mod draw;
mod draws;
mod failure;
mod fairness;
mod frame;
mod home;
mod items;
mod law;
mod picture;
mod plans;
mod reader;
mod recipe;
pub mod reference;
mod search;
mod tables;
mod witness;
mod words;

use std::sync::Arc;

use axum::{Router, extract::DefaultBodyLimit, response::Redirect, routing::get};
use http::Uri;
use kit::env::Clock;
use tonic::transport::Channel;
use tower_http::compression::{
    CompressionLayer, predicate::NotForContentType, predicate::Predicate, predicate::SizeAbove,
};

/// What the pages are told.
#[derive(Clone)]
pub struct Settings {
    /// The portal, asked without any credentials: the pages see what everybody sees.
    pub portal: Channel,
    /// The part that makes draws, asked without any credentials too: for a firm's own line and a witness's link.
    pub draws: Channel,
    /// The time that pages say they were made at.
    pub clock: Clock,
    /// Folder of addresses with `recheck.js`, `worker.js`, `recheck.css` and `ceremony.js`, such as `/assets/recheck/`.
    pub recheck: String,
    /// Address under which the world reaches the pages, without a slash at its end: for citing them.
    pub public_url: String,
    /// Whether draws are signed with demonstration keys: every page says so.
    pub demonstration: bool,
    /// The web API, for `/openapi`.
    pub reference: reference::Reference,
}

/// What every page is made from.
type Site = Arc<Settings>;

/// The public pages, from `/` down. Whoever mounts them sets the security headers: the pages need `script-src 'self'
/// 'wasm-unsafe-eval'`, `style-src 'self'`, `connect-src 'self'` and `worker-src 'self'`, and nothing inline.
pub fn router(settings: Settings) -> Router {
    let small = SizeAbove::new(1_024).and(NotForContentType::IMAGES);
    Router::new()
        .route("/", get(home::page))
        .route("/draws", get(draws::page))
        .route("/draws/", get(slashless))
        .route("/draws.csv", get(draws::table))
        .route("/draws/{number}", get(draw::page))
        .route("/draws/{number}/", get(slashless))
        .route("/draws/{number}/drawn.csv", get(draw::table))
        .route("/draws/{number}/fairness.csv", get(draw::fairness::table))
        .route("/draws/{number}/rules.json", get(draw::rules))
        .route("/draws/{number}/own-line", get(draw::own_line::form).post(draw::own_line::redeem))
        .route("/draws/{number}/own-line/", get(slashless))
        .route("/draws/{number}/recipe", get(recipe::page))
        .route("/draws/{number}/ceremony", get(ceremony::page))
        .route("/draws/{number}/ceremony/", get(slashless))
        .route("/draws/{number}/ceremony/live", get(ceremony::live))
        .route("/fairness", get(fairness::page))
        .route("/fairness/", get(slashless))
        .route("/fairness.csv", get(fairness::table))
        .route("/plans", get(plans::page))
        .route("/plans/", get(slashless))
        .route("/plans.csv", get(plans::table))
        .route("/plans/{number}", get(plans::plan))
        .route("/plans/{number}/", get(slashless))
        .route("/items", get(items::page))
        .route("/items/", get(slashless))
        .route("/items.csv", get(items::table))
        .route("/items/{organisation}/{item}", get(items::item))
        .route("/items/{organisation}/{item}/", get(slashless))
        .route("/caps", get(caps::page))
        .route("/caps/", get(slashless))
        .route("/caps.csv", get(caps::table))
        .route("/law", get(law::page))
        .route("/law/", get(slashless))
        .route("/about", get(about::page))
        .route("/about/", get(slashless))
        .route("/openapi", get(reference::page))
        .route("/openapi/", get(slashless))
        .route("/search", get(search::page))
        .route("/search/", get(slashless))
        .route("/witness", get(witness::form).post(witness::open))
        .route("/witness/", get(slashless))
        .route("/witness/entry", axum::routing::post(witness::enter))
        .route("/assets/{file}", get(assets::file))
        .fallback(failure::no_page)
        .layer(DefaultBodyLimit::max(draw::own_line::FORM_BYTES_MAX))
        .layer(CompressionLayer::new().compress_when(small))
        .with_state(Arc::new(settings))
}

/// The same page without the slash at the end of its address, with the same query.
async fn slashless(uri: Uri) -> Redirect {
    let path = uri.path().trim_end_matches('/');
    Redirect::permanent(&uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}
