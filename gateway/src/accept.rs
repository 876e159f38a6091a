//! What the client takes (RFC 9110, 12): the type and the encoding of an answer. No `Accept`, or one that cannot be read, is
//! everything; the most specific range counts for a type, and of types taken alike the first that is offered.

use http::HeaderMap;
use http::header::{ACCEPT, ACCEPT_ENCODING, HeaderName};

/// The type to answer, of those offered; none when the client takes none of them.
pub fn media_type<'o>(headers: &HeaderMap, offers: &[&'o str]) -> Option<&'o str> {
    let mut given = headers.get_all(ACCEPT).iter();
    if let (Some(only), None) = (given.next(), given.next())
        && let Some(offer) = offers.iter().find(|offer| only.as_bytes() == offer.as_bytes())
    {
        // What most clients send.
        return Some(offer);
    }
    let ranges = ranges(headers, ACCEPT);
    if ranges.is_empty() {
        return offers.first().copied();
    }
    let quality = |offer: &str| {
        let (kind, _) = offer.split_once('/').unwrap_or((offer, ""));
        let specific = |range: &str| match range.split_once('/') {
            _ if range.eq_ignore_ascii_case(offer) => Some(2),
            Some((of, "*")) if of.eq_ignore_ascii_case(kind) => Some(1),
            Some(("*", "*")) => Some(0),
            _ => None,
        };
        let best = ranges.iter().filter_map(|(range, quality)| Some((specific(range)?, *quality)));
        best.max_by_key(|(specific, _)| *specific).map_or(0, |(_, quality)| quality)
    };
    // The first of the best.
    let best = offers.iter().rev().map(|offer| (quality(offer), *offer)).max_by_key(|(quality, _)| *quality);
    best.filter(|(quality, _)| *quality > 0).map(|(_, offer)| offer)
}

/// Whether the answer may be compressed.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    if !headers.contains_key(ACCEPT_ENCODING) {
        return false;
    }
    let codings = ranges(headers, ACCEPT_ENCODING);
    let quality = |name: &str| codings.iter().find(|(coding, _)| coding.eq_ignore_ascii_case(name)).map(|(_, q)| *q);
    quality("gzip").or_else(|| quality("*")).is_some_and(|quality| quality > 0)
}

/// What a header lists, with its quality in thousandths. Parameters but the quality are not distinguished.
fn ranges(headers: &HeaderMap, name: HeaderName) -> Vec<(String, u16)> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok().map(str::to_owned));
    let items: Vec<String> = values.flat_map(|value| value.split(',').map(str::to_owned).collect::<Vec<_>>()).collect();
    let read = |item: &String| {
        let mut parts = item.split(';').map(str::trim);
        let range = parts.next().filter(|range| !range.is_empty())?.to_owned();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let quality = quality.map_or(Some(1.0), |text| text.parse::<f64>().ok())?;
        // Between 0 and 1000.
        Some((range, (quality.clamp(0.0, 1.0) * 1000.0) as u16))
    };
    items.iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_type_is_what_the_client_likes_best() {
        const LINES: &str = "application/x-ndjson";
        const EVENTS: &str = "text/event-stream";
        for (accept, wanted) in [
            (&[][..], Some(LINES)),
            (&[""], Some(LINES)),
            (&["*/*"], Some(LINES)),
            (&["text/event-stream"], Some(EVENTS)),
            (&["text/*;q=0.5, application/x-ndjson;q=0.4"], Some(EVENTS)),
            (&["text/*, text/event-stream;q=0"], None),
            (&["application/json"], None),
            (&["application/json", "Text/Event-Stream; q=0.1"], Some(EVENTS)),
            (&["*/*;q=0"], None),
            (&["text/html, application/xhtml+xml, */*;q=0.8"], Some(LINES)),
            (&["application/x-ndjson; charset=utf-8"], Some(LINES)),
            (&["application/x-ndjson;q=high"], Some(LINES)),
        ] {
            assert_eq!(media_type(&headers(ACCEPT, accept), &[LINES, EVENTS]), wanted, "{accept:?}");
        }
    }

    #[test]
    fn compression_is_asked_for() {
        for (given, taken) in [
            (&[][..], false),
            (&["gzip"], true),
            (&["br, GZIP;q=0.1"], true),
            (&["*"], true),
            (&["*, gzip;q=0"], false),
            (&["identity"], false),
            (&["deflate", "gzip"], true),
        ] {
            assert_eq!(takes_gzip(&headers(ACCEPT_ENCODING, given)), taken, "{given:?}");
        }
    }
}
