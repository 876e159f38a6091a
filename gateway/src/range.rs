//! A part of a file instead of the whole (RFC 9110, 14): who lost the connection in the middle of a draw's evidence goes on
//! where it broke off. For files a part says the length and version of; one range, several are answered with the whole.

use std::ops::Range;

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use http::header::{ETAG, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue};
use tonic::metadata::MetadataMap;

/// Metadata in which a part says how many bytes follow.
pub const LENGTH: &str = "x-length";

/// What of a file is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    /// The bytes from..to, at least one.
    Bytes(Range<u64>),
    /// None of the bytes there are.
    Nothing,
}

impl Wanted {
    /// What a request wants of a file of this length, the version of which stands in the answer's headers. What is not
    /// understood, and a part of another version, is answered with the whole.
    pub fn of(request: &HeaderMap, answer: &HeaderMap, length: u64) -> Self {
        let Some(range) = request.get(RANGE).and_then(|range| range.to_str().ok()) else { return Self::Whole };
        if let Some(known) = request.get(IF_RANGE) {
            // Strong comparison: a weak tag or a date does not say that the bytes are the same.
            let same = answer.get(ETAG).is_some_and(|etag| etag == known && etag.as_bytes().starts_with(b"\""));
            if !same {
                return Self::Whole;
            }
        }
        Self::parse(range, length).unwrap_or(Self::Whole)
    }

    /// `bytes=first-last`, `bytes=first-` or `bytes=-count`; none for anything else.
    fn parse(range: &str, length: u64) -> Option<Self> {
        let (unit, set) = range.split_once('=')?;
        let (first, last) = set.trim().split_once('-')?;
        if !unit.trim().eq_ignore_ascii_case("bytes") {
            return None;
        }
        let bytes = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            (Some(first), None) if last.is_empty() => first..length,
            (None, Some(count)) if first.is_empty() => length.saturating_sub(count)..length,
            _ => return None,
        };
        Some(if bytes.is_empty() { Self::Nothing } else { Self::Bytes(bytes) })
    }
}

/// Digits only; what exceeds every file is as good as the largest number.
fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// The length a part said.
pub fn length(metadata: &MetadataMap) -> Option<u64> {
    metadata.get(LENGTH)?.to_str().ok()?.parse().ok()
}

/// `Content-Range` where a range holds no byte of a file.
pub fn unsatisfied(length: u64) -> HeaderValue {
    value(format!("bytes */{length}"))
}

/// `Content-Range` of a part of a file.
pub fn content_range(bytes: &Range<u64>, length: u64) -> HeaderValue {
    value(format!("bytes {}-{}/{length}", bytes.start, bytes.end.saturating_sub(1)))
}

fn value(text: String) -> HeaderValue {
    // Digits and ASCII signs make a header value, so the fallback is never needed.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("bytes */*"))
}

/// The bytes from..to of a file that comes in chunks. What lies before is read and thrown away, what lies behind is not asked
/// for. A file that ends too early is an error, never a shorter answer.
pub fn cut<S>(chunks: S, bytes: Range<u64>) -> impl Stream<Item = Result<Bytes, axum::BoxError>> + Send
where
    S: Stream<Item = Result<Bytes, axum::BoxError>> + Send + 'static,
{
    let state = (Box::pin(chunks), bytes.start, bytes.end.saturating_sub(bytes.start));
    stream::try_unfold(state, |(mut chunks, mut before, mut left)| async move {
        while left > 0 {
            let mut chunk = chunks.next().await.ok_or("the file is shorter than was said")??;
            let skipped = before.min(chunk.len() as u64);
            before -= skipped;
            // At most the chunk's own length.
            drop(chunk.split_to(skipped as usize));
            chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            if !chunk.is_empty() {
                left -= chunk.len() as u64;
                return Ok(Some((chunk, (chunks, before, left))));
            }
        }
        Ok(None)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(range: &str, if_range: Option<&str>, length: u64) -> Wanted {
        let mut request = HeaderMap::new();
        request.insert(RANGE, range.parse().unwrap());
        if let Some(known) = if_range {
            request.insert(IF_RANGE, known.parse().unwrap());
        }
        let answer = HeaderMap::from_iter([(ETAG, "\"abc\"".parse().unwrap())]);
        Wanted::of(&request, &answer, length)
    }

    #[test]
    fn one_range_is_understood() {
        assert_eq!(Wanted::of(&HeaderMap::new(), &HeaderMap::new(), 10), Wanted::Whole);
        for (range, bytes) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("bytes=2-", 2..10),
            ("bytes=2-99", 2..10),
            ("bytes=2-18446744073709551615", 2..10),
            ("bytes=2-99999999999999999999999", 2..10),
            ("bytes=-3", 7..10),
            ("bytes=-30", 0..10),
            ("Bytes = 9-9", 9..10),
        ] {
            assert_eq!(wanted(range, None, 10), Wanted::Bytes(bytes), "{range}");
        }
        for range in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(wanted(range, None, 10), Wanted::Nothing, "{range}");
        }
        assert_eq!(wanted("bytes=-5", None, 0), Wanted::Nothing, "an empty file has no bytes");
    }

    #[test]
    fn what_is_not_understood_is_answered_with_the_whole() {
        for range in [
            "bytes=5-2",
            "bytes=-",
            "bytes=",
            "bytes",
            "lines=0-1",
            "bytes=0-1,4-5",
            "bytes=+1-2",
            "bytes=a-b",
            "bytes=1-b",
            "bytes=--1",
            "",
        ] {
            assert_eq!(wanted(range, None, 10), Wanted::Whole, "{range}");
        }
    }

    #[test]
    fn a_part_of_another_version_is_not_mixed_in() {
        assert_eq!(wanted("bytes=0-1", Some("\"abc\""), 10), Wanted::Bytes(0..2));
        for known in ["\"abd\"", "W/\"abc\"", "Mon, 23 Nov 2026 01:00:00 GMT"] {
            assert_eq!(wanted("bytes=0-1", Some(known), 10), Wanted::Whole, "{known}");
            assert_eq!(wanted("bytes=99-", Some(known), 10), Wanted::Whole, "{known}");
        }
    }

    #[tokio::test]
    async fn the_cut_is_exact_wherever_the_chunks_end() {
        let file: Vec<u8> = (0..20).collect();
        for chunk in [1, 3, 7, 20, 50] {
            for start in 0..20 {
                for end in start + 1..=20 {
                    let chunks: Vec<_> = file.chunks(chunk).map(|c| Ok(Bytes::copy_from_slice(c))).collect();
                    let pieces: Vec<_> = cut(stream::iter(chunks), start as u64..end as u64).collect().await;
                    let bytes: Vec<u8> = pieces.into_iter().flat_map(|piece| piece.unwrap().to_vec()).collect();
                    assert_eq!(bytes, file[start..end], "{start}..{end} in chunks of {chunk}");
                }
            }
        }
        let short = stream::iter([Ok(Bytes::from_static(b"abc"))]);
        let pieces: Vec<_> = cut(short, 1..9).collect().await;
        assert!(matches!(pieces.as_slice(), [Ok(bytes), Err(_)] if bytes == "bc"), "{pieces:?}");
    }
}
