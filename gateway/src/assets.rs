//! Files of the web: the work portal under `/work/` and the recheck under `/assets/recheck/`. Built into a release; read
//! from a folder in development, so that a new build of the pages shows at once.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

use crate::headers::NONCE_PLACEHOLDER;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// Names with a hash of their content never change.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Others are asked for again, and not sent twice.
const ASK: &str = "no-cache";
/// Larger files are not compressed on the fly.
const COMPRESS_BYTES_MAX: usize = 8 << 20;

/// One of the two built webs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Web {
    /// `gateway/ui/dist`.
    Work,
    /// `gateway/pages/recheck/dist`.
    Recheck,
}

impl Web {
    fn folder(self) -> &'static str {
        match self {
            Self::Work => "ui/dist",
            Self::Recheck => "pages/recheck/dist",
        }
    }
}

/// Where the files come from.
#[derive(Debug, Clone)]
pub struct Assets {
    /// Folder that holds `ui/dist` and `pages/recheck/dist`; the built-in files when none.
    folder: Option<PathBuf>,
}

/// A file as found.
struct File {
    bytes: Cow<'static, [u8]>,
    /// The same, gzipped at build time.
    gzip: Option<&'static [u8]>,
}

impl Assets {
    /// From this folder, else from the built-in files, else from the source tree the program was built in.
    pub fn new(folder: Option<PathBuf>) -> Self {
        let source_tree = || EMBEDDED.is_empty().then(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
        Self { folder: folder.or_else(source_tree) }
    }

    /// Answers a path below `/work`: the file, else the page of the work portal with this answer's nonce.
    pub async fn work(&self, path: &str, request: &HeaderMap, nonce: &str) -> Response {
        if path.is_empty() {
            return (StatusCode::PERMANENT_REDIRECT, [(LOCATION, "/work/")]).into_response();
        }
        let name = path.trim_start_matches('/');
        if !matches!(name, "" | "index.html") {
            if let Some(file) = self.find(Web::Work, name).await {
                return answer(name, file, request);
            }
            // A missing script must not be answered with a page.
            if name.starts_with("assets/") {
                return not_found();
            }
        }
        match self.find(Web::Work, "index.html").await {
            Some(index) => {
                let page = String::from_utf8_lossy(&index.bytes).replace(NONCE_PLACEHOLDER, nonce);
                let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
                (headers, page).into_response()
            }
            None => not_built(),
        }
    }

    /// Answers a path below `/assets/recheck/`.
    pub async fn recheck(&self, path: &str, request: &HeaderMap) -> Response {
        match self.find(Web::Recheck, path).await {
            Some(file) => answer(path, file, request),
            None => not_found(),
        }
    }

    async fn find(&self, web: Web, name: &str) -> Option<File> {
        let name = plain(name)?;
        let Some(folder) = &self.folder else {
            let key = format!("{}/{name}", web.folder());
            let index = EMBEDDED.binary_search_by(|(path, _, _)| (*path).cmp(key.as_str())).ok()?;
            let (_, bytes, gzip) = EMBEDDED[index];
            return Some(File { bytes: bytes.into(), gzip: (!gzip.is_empty()).then_some(gzip) });
        };
        let path = folder.join(web.folder()).join(name);
        let bytes = tokio::fs::read(&path).await.ok()?;
        Some(File { bytes: bytes.into(), gzip: None })
    }
}

/// A relative path of plain names; none for anything that could leave the folder or name a hidden file.
fn plain(name: &str) -> Option<&str> {
    let fine = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
    };
    name.split('/').all(fine).then_some(name)
}

fn answer(name: &str, file: File, request: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(&Sha256::digest(&file.bytes)[..16]));
    // Hex digits in quotes make a header value.
    let Ok(etag_value) = HeaderValue::from_str(&etag) else { return not_found() };
    let kept = if name.starts_with("assets/") { FOREVER } else { ASK };
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(ETAG, etag_value);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(name)));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    let known = request.get(IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let compressible = is_text(name) && file.bytes.len() <= COMPRESS_BYTES_MAX && accepts_gzip(request);
    let zipped = match file.gzip {
        Some(zipped) if compressible => Some(zipped.to_vec()),
        None if compressible => gzip(&file.bytes),
        Some(_) | None => None,
    };
    match zipped {
        Some(zipped) => {
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            *response.body_mut() = Body::from(zipped);
        }
        None => *response.body_mut() = Body::from(file.bytes.into_owned()),
    }
    response
}

fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut writer = GzEncoder::new(Vec::with_capacity(bytes.len() / 3), Compression::fast());
    writer.write_all(bytes).and_then(|()| writer.finish()).ok()
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let accepted = request.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
        gzip && weight > 0.0
    })
}

fn extension(name: &str) -> &str {
    Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

fn content_type(name: &str) -> &'static str {
    match extension(name) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

fn is_text(name: &str) -> bool {
    matches!(extension(name), "html" | "js" | "mjs" | "css" | "json" | "map" | "svg" | "txt" | "wasm" | "webmanifest")
}

fn not_found() -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, "没有这个文件。\nThere is no such file.\n").into_response()
}

fn not_built() -> Response {
    let page = "工作门户尚未构建。请运行 `make web`，再重新打开本页。\n\
                The work portal is not built. Run `make web` (or `npm ci && npm run build` in gateway/ui), then open this page again.\n";
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use std::io::Read as _;

    fn built() -> (tempfile::TempDir, Assets) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("ui/dist/index.html", "<meta content=\"__CSP_NONCE__\"><b nonce=\"__CSP_NONCE__\">"),
            ("ui/dist/assets/main-abc.js", "console.log(1)"),
            ("ui/dist/favicon.svg", "<svg/>"),
            ("ui/dist/.secret", "no"),
            ("ui/secret.txt", "no"),
            ("pages/recheck/dist/worker.js", "postMessage(1)"),
        ] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let assets = Assets::new(Some(folder.path().to_owned()));
        (folder, assets)
    }

    async fn text(response: Response) -> (u16, HeaderMap, Vec<u8>) {
        let (parts, body) = response.into_parts();
        (parts.status.as_u16(), parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }

    #[tokio::test]
    async fn every_page_of_the_portal_is_its_index_with_the_nonce() {
        let (_folder, assets) = built();
        for path in ["/", "/index.html", "/draws/2026-0001", "/sign-in"] {
            let (status, headers, body) = text(assets.work(path, &HeaderMap::new(), "n0nce").await).await;
            let body = String::from_utf8(body).unwrap();
            assert_eq!((status, body.matches("n0nce").count(), body.contains("__CSP")), (200, 2, false), "{path}");
            assert_eq!(headers[CACHE_CONTROL], "no-store");
        }
        let (status, headers, _) = text(assets.work("", &HeaderMap::new(), "n").await).await;
        assert_eq!((status, headers[LOCATION].to_str().unwrap()), (308, "/work/"));
    }

    #[tokio::test]
    async fn files_are_typed_kept_and_compressed() {
        let (_folder, assets) = built();
        let (status, headers, body) = text(assets.work("/assets/main-abc.js", &HeaderMap::new(), "n").await).await;
        assert_eq!((status, body.as_slice()), (200, b"console.log(1)".as_slice()));
        assert_eq!(headers[CONTENT_TYPE], "text/javascript; charset=utf-8");
        assert_eq!(headers[CACHE_CONTROL], FOREVER);
        let mut request = HeaderMap::new();
        request.insert(ACCEPT_ENCODING, HeaderValue::from_static("br, gzip;q=0.8"));
        let (_, zipped, body) = text(assets.recheck("worker.js", &request).await).await;
        assert_eq!(
            (&zipped[CONTENT_ENCODING], &zipped[CACHE_CONTROL]),
            (&HeaderValue::from_static("gzip"), &HeaderValue::from_static(ASK))
        );
        let mut plain = String::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_string(&mut plain).unwrap();
        assert_eq!(plain, "postMessage(1)");
        request.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip;q=0"));
        assert!(!text(assets.recheck("worker.js", &request).await).await.1.contains_key(CONTENT_ENCODING));
        request.insert(IF_NONE_MATCH, headers[ETAG].clone());
        let (status, _, body) = text(assets.work("/assets/main-abc.js", &request, "n").await).await;
        assert_eq!((status, body.len()), (304, 0));
    }

    #[tokio::test]
    async fn nothing_outside_the_built_folders_is_served() {
        let (_folder, assets) = built();
        for path in
            ["../secret.txt", "%2e%2e/secret.txt", ".secret", "/etc/passwd", "a/../../secret.txt", "..\\secret.txt", ""]
        {
            assert_eq!(text(assets.recheck(path, &HeaderMap::new()).await).await.0, 404, "{path}");
            let (_, _, body) = text(assets.work(&format!("/{path}"), &HeaderMap::new(), "n").await).await;
            assert_ne!(body, b"no", "{path}");
        }
        assert_eq!(text(assets.work("/assets/gone.js", &HeaderMap::new(), "n").await).await.0, 404);
    }

    #[tokio::test]
    async fn a_portal_that_was_not_built_says_how() {
        let folder = tempfile::tempdir().unwrap();
        let assets = Assets::new(Some(folder.path().to_owned()));
        let (status, _, body) = text(assets.work("/", &HeaderMap::new(), "n").await).await;
        assert_eq!(status, 503);
        assert!(String::from_utf8(body).unwrap().contains("make web"));
    }
}
