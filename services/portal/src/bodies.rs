//! Files for the public, as streams (art. 10): whoever distrusts a draw downloads the very bytes that were signed.

use std::pin::Pin;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use kit::{
    blob::{self, Blob, Digest},
    error::{Reason, Refusal, Result},
};
use proto::google::api::HttpBody;
use tokio_util::io::ReaderStream;
use tonic::{Response, Status, metadata::MetadataValue};

/// A download.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

/// Bytes of one chunk.
const CHUNK_BYTES: usize = 128 << 10;
/// What never changes may be kept for ever.
pub const FOREVER: &str = "public, max-age=31536000, immutable";

/// What may have grown since.
pub const FRESH: &str = "no-cache";

/// What a reader's client is told beside the bytes.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// Media type.
    pub content_type: &'static str,
    /// Name under which a browser saves it; empty: it shows it.
    pub file_name: String,
    /// Version, without quotes; empty for none.
    pub etag: String,
    /// How long it may be kept.
    pub cache: &'static str,
}

/// Streams an object.
///
/// # Errors
/// `UNAVAILABLE` when the object is not in the store.
pub async fn object(blobs: &Blob, digest: Digest, about: &About) -> Result<Response<BodyStream>> {
    let (file, bytes) = blobs.open(digest).await.map_err(unreadable)?;
    let content_type = about.content_type;
    let chunks = ReaderStream::with_capacity(file, CHUNK_BYTES).map(move |chunk| match chunk {
        Ok(data) => Ok(body(content_type, data)),
        Err(error) => Err(Refusal::from(error).into()),
    });
    Ok(with_headers(Box::pin(chunks), about, bytes))
}

/// Sends a text.
pub fn text(text: impl Into<Bytes>, about: &About) -> Response<BodyStream> {
    let chunk = body(about.content_type, text.into());
    let bytes = chunk.data.len() as u64;
    with_headers(Box::pin(stream::once(async move { Ok(chunk) })), about, bytes)
}

/// An object that should be there and cannot be read.
pub fn unreadable(error: blob::Error) -> Refusal {
    match error {
        blob::Error::NotFound(_) => Refusal::new(Reason::Unavailable).because(error),
        other => Refusal::internal(other),
    }
}

fn body(content_type: &str, data: Bytes) -> HttpBody {
    HttpBody { content_type: content_type.to_owned(), data: data.into(), extensions: Vec::new() }
}

fn with_headers(stream: BodyStream, about: &About, bytes: u64) -> Response<BodyStream> {
    let mut response = Response::new(stream);
    let mut header = |name: &'static str, value: String| {
        // Names of draws and digests are ASCII.
        if let Ok(value) = MetadataValue::try_from(value) {
            response.metadata_mut().insert(name, value);
        }
    };
    if !about.file_name.is_empty() {
        header("content-disposition", format!("attachment; filename=\"{}\"", about.file_name));
    }
    if !about.etag.is_empty() {
        header("etag", format!("\"{}\"", about.etag));
    }
    header("cache-control", about.cache.to_owned());
    // With the version it lets the gateway answer requests for a part of the file.
    header("x-length", bytes.to_string());
    response
}
