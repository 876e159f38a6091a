//! One connection below HTTP: how long it may stand still, what of a request's head nobody above gets to see, and the answer
//! where the HTTP library has only an empty one.
//!
//! - A client that takes nothing for too long is let go; else one that never reads would hold its download, and what feeds it,
//!   for ever.
//! - RFC 9112 lets a server read a head in ways that a proxy in front may not share: a bare line feed as the end of a line,
//!   `Content-Length` beside `Transfer-Encoding`, the same length twice. The library below takes the lenient way and leaves no
//!   trace of it, so heads are looked at here, and such requests are refused with 400 BAD_HTTP: two readers that disagree about
//!   where a request ends are how requests are smuggled. The head of a request that was sent before a chunked one was answered
//!   cannot be told from what came before it; if it is chunked too, it is refused as well.
//! - What is no HTTP at all, or too much of it, is answered by the library with a bare status line; [`Wire`] holds that back and
//!   [`Left`] answers in its place as everywhere else, with a `google.rpc.Status`.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{Request, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::{Sleep, timeout};

use crate::limits;

/// Longest answer the library makes by itself.
const OWN_ANSWER_BYTES_MAX: usize = 256;
/// What is still read of a connection that is given up, so that the client gets to read why.
const LINGER_BYTES_MAX: usize = 1 << 20;
const LINGER_TIME_MAX: Duration = Duration::from_secs(2);

/// What was read of a connection, as far as it may be a head.
#[derive(Debug)]
pub struct Watch {
    seen: Mutex<Seen>,
    head_bytes_max: usize,
}

#[derive(Debug)]
struct Seen {
    /// Bytes since the last request's end.
    head: Vec<u8>,
    next: Next,
    /// Whether the last head that was taken from here was whole.
    certain: bool,
}

/// What the next bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Head,
    /// So many bytes of a body.
    Body(u64),
    /// Chunks, until somebody says that they have ended.
    Chunks,
}

impl Watch {
    /// Watches heads of at most so many bytes.
    pub fn new(head_bytes_max: usize) -> Self {
        Self { seen: Mutex::new(Seen { head: Vec::new(), next: Next::Head, certain: true }), head_bytes_max }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, mut bytes: &[u8]) {
        let mut seen = self.seen();
        if let Next::Body(left) = seen.next {
            let of_body = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
            bytes = &bytes[of_body..];
            let left = left - of_body as u64;
            seen.next = if left == 0 { Next::Head } else { Next::Body(left) };
        }
        if seen.next == Next::Head {
            let room = self.head_bytes_max.saturating_sub(seen.head.len());
            seen.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
    }

    /// A request's head has been understood. Answers what is wrong with it as it was sent.
    pub fn request<B>(&self, request: &Request<B>) -> Result<(), &'static str> {
        let mut seen = self.seen();
        let headers = request.headers();
        let is_chunked = headers.contains_key(TRANSFER_ENCODING);
        let read = std::mem::take(&mut seen.head);
        let start = read.iter().position(|c| !b"\r\n".contains(c)).unwrap_or(read.len());
        let end = (start..read.len()).find(|&at| {
            read[at] == b'\n' && (read.get(at + 1) == Some(&b'\n') || read.get(at + 1..at + 3) == Some(b"\r\n"))
        });
        let (head, rest) = match end {
            Some(end) => (&read[start..=end], &read[(end + 2 + usize::from(read[end + 1] == b'\r')).min(read.len())..]),
            None => (&read[start..], &[][..]),
        };
        // No line of a head but the first begins with a method and a space.
        let method = request.method().as_str().as_bytes();
        let begins = head.starts_with(method) && head.get(method.len()) == Some(&b' ');
        seen.certain = begins && end.is_some();
        let checked = match (seen.certain, is_chunked) {
            (true, _) => check(head),
            (false, true) => Err("a chunked request was sent before the answer to the one before it"),
            (false, false) => Ok(()),
        };
        let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(0);
        seen.next = if is_chunked { Next::Chunks } else { Next::Body(length) };
        if is_chunked {
            return checked;
        }
        let rest = rest.to_vec();
        drop(seen);
        self.read(&rest);
        checked
    }

    /// A chunked body has been read to its end. What was read with it may have been the next request's beginning.
    pub fn chunks_end(&self) {
        let mut seen = self.seen();
        if seen.next == Next::Chunks {
            *seen = Seen { head: Vec::new(), next: Next::Head, certain: false };
        }
    }

    /// Whether the chunks of a request have not all been read.
    pub fn is_within_chunks(&self) -> bool {
        self.seen().next == Next::Chunks
    }

    /// Whether something was read of a request that is not whole.
    fn is_within_head(&self) -> bool {
        let seen = self.seen();
        seen.next == Next::Head && seen.head.iter().any(|c| !b"\r\n".contains(c))
    }
}

/// What is wrong with a head that the library understood.
fn check(head: &[u8]) -> Result<(), &'static str> {
    let mut lines = head.split_inclusive(|&c| c == b'\n');
    if head.split_inclusive(|&c| c == b'\n').any(|line| line.last() == Some(&b'\n') && !line.ends_with(b"\r\n")) {
        return Err("a line of the head does not end in CRLF");
    }
    // The request line.
    lines.next();
    let (mut lengths, mut encodings) = (0, 0);
    for line in lines {
        let name = line.split(|&c| c == b':').next().unwrap_or_default();
        lengths += usize::from(name.eq_ignore_ascii_case(b"content-length"));
        encodings += usize::from(name.eq_ignore_ascii_case(b"transfer-encoding"));
    }
    match (lengths, encodings) {
        (0 | 1, 0) | (0, 1) => Ok(()),
        (0, _) => Err("Transfer-Encoding is given twice"),
        (_, 0) => Err("Content-Length is given twice"),
        _ => Err("Content-Length and Transfer-Encoding exclude each other"),
    }
}

/// What is left of a connection that HTTP is done with.
#[derive(Debug)]
pub struct Left {
    stream: TcpStream,
    /// The library's own answer, not yet sent.
    held: Vec<u8>,
    within_head: bool,
}

impl Left {
    /// The status to answer with in the library's place; none when everything was answered.
    pub fn refused(&self, error: Option<&hyper::Error>) -> Option<StatusCode> {
        let error = error?;
        if error.is_timeout() {
            return self.within_head.then_some(StatusCode::REQUEST_TIMEOUT);
        }
        if error.is_incomplete_message() {
            // RFC 9112, 8: the client has closed its side, and may still read why.
            return self.within_head.then_some(StatusCode::BAD_REQUEST);
        }
        if !error.is_parse() && !error.is_parse_too_large() {
            return None;
        }
        // It says nothing to whoever speaks HTTP/2.
        let said = self.held.get(9..12).and_then(|status| StatusCode::from_bytes(status).ok());
        Some(said.unwrap_or(StatusCode::BAD_REQUEST))
    }

    /// Sends these bytes, or what was held back when there are none, and closes the connection so that the client gets to read
    /// them: bytes of its own that nobody read would throw away what it has not read.
    pub async fn close(mut self, answer: Option<Vec<u8>>) {
        let answer = answer.unwrap_or(self.held);
        let send = async {
            self.stream.write_all(&answer).await?;
            self.stream.shutdown().await?;
            let mut scrap = [0; 4096];
            let mut left = LINGER_BYTES_MAX;
            while let read @ 1.. = self.stream.read(&mut scrap).await? {
                let Some(rest) = left.checked_sub(read) else { break };
                left = rest;
            }
            io::Result::Ok(())
        };
        // A client that has gone does not wait for it.
        let _ = timeout(LINGER_TIME_MAX, send).await;
    }

    /// A connection that HTTP never saw.
    pub fn unread(stream: TcpStream) -> Self {
        Self { stream, held: Vec::new(), within_head: false }
    }
}

/// A connection as HTTP reads and writes it.
#[derive(Debug)]
pub struct Wire {
    /// Until it is given back.
    stream: Option<TcpStream>,
    watch: Arc<Watch>,
    /// Longest pause of a client that should read.
    wait: Duration,
    /// Runs while a write waits.
    timer: Option<Pin<Box<Sleep>>>,
    held: Vec<u8>,
    back: Option<oneshot::Sender<Left>>,
}

impl Wire {
    /// A connection, and what will be left of it when HTTP is done.
    pub fn new(stream: TcpStream, watch: Arc<Watch>, wait: Duration) -> (Self, oneshot::Receiver<Left>) {
        let (back, left) = oneshot::channel();
        let wire = Self { stream: Some(stream), watch, wait, timer: None, held: Vec::new(), back: Some(back) };
        (wire, left)
    }

    fn measured<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.timer = None;
            return polled;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.wait)));
        ready!(timer.as_mut().poll(context));
        limits::count("slow_reader");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn stream(&mut self) -> Pin<&mut TcpStream> {
        // It is taken only when this is dropped.
        Pin::new(self.stream.as_mut().unwrap_or_else(|| unreachable!("a dropped connection is not used")))
    }

    /// Sends what was held back, since it was no whole answer after all.
    fn poll_held(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let held = std::mem::take(&mut self.held);
            let polled = self.stream().poll_write(context, &held);
            self.held = held;
            let written = ready!(self.measured(context, polled))?;
            self.held.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if let (Some(stream), Some(back)) = (self.stream.take(), self.back.take()) {
            let left = Left { stream, held: std::mem::take(&mut self.held), within_head: self.watch.is_within_head() };
            // Nobody waits for it when the process stops.
            let _ = back.send(left);
        }
    }
}

/// Whether this is an answer the library made by itself: all of ours name the request and have a type.
fn is_own_answer(bytes: &[u8]) -> bool {
    bytes.len() <= OWN_ANSWER_BYTES_MAX
        && bytes.starts_with(b"HTTP/1.1 4")
        && bytes.ends_with(b"\r\n\r\n")
        && !bytes.windows(12).any(|window| window.eq_ignore_ascii_case(b"x-request-id"))
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream().poll_read(context, buffer))?;
        self.watch.read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.held.is_empty() && is_own_answer(bytes) {
            self.held = bytes.to_vec();
            return Poll::Ready(Ok(bytes.len()));
        }
        ready!(self.poll_held(context))?;
        let polled = self.stream().poll_write(context, bytes);
        self.measured(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(context, only);
        }
        ready!(self.poll_held(context))?;
        let polled = self.stream().poll_write_vectored(context, slices);
        self.measured(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.stream().poll_flush(context);
        self.measured(context, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.held.is_empty() {
            // There is one more answer to come.
            return Poll::Ready(Ok(()));
        }
        self.stream().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(method: &str, pairs: &[(http::HeaderName, &'static str)]) -> Request<()> {
        let mut request = Request::builder().method(method).body(()).unwrap();
        *request.headers_mut() =
            pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect();
        request
    }

    fn watched(pieces: &[&[u8]], request: &Request<()>) -> (Watch, Result<(), &'static str>) {
        let watch = Watch::new(1 << 15);
        pieces.iter().for_each(|piece| watch.read(piece));
        let checked = watch.request(request);
        (watch, checked)
    }

    #[test]
    fn a_plain_head_passes_however_it_is_cut() {
        let head = b"\r\nPOST / HTTP/1.1\r\nhost: q\r\ncontent-length: 3\r\n\r\nabc";
        let sized = headers("POST", &[(CONTENT_LENGTH, "3")]);
        for cut in 0..head.len() {
            let (watch, checked) = watched(&[&head[..cut], &head[cut..]], &sized);
            assert_eq!(checked, Ok(()));
            assert!(!watch.is_within_head(), "{cut}: the body is over and nothing has come since");
        }
    }

    #[test]
    fn shapes_in_which_requests_are_smuggled_are_refused() {
        let chunked = headers("POST", &[(TRANSFER_ENCODING, "chunked")]);
        let sized = headers("POST", &[(CONTENT_LENGTH, "3")]);
        for (lines, headers, problem) in [
            ("content-length: 3\r\ntransfer-encoding: chunked", &chunked, "exclude"),
            ("Transfer-Encoding: chunked\r\nhost: q\r\nContent-Length: 3", &chunked, "exclude"),
            ("transfer-encoding: chunked\r\nTransfer-encoding: chunked", &chunked, "twice"),
            ("content-length: 3\r\ncontent-length: 3", &sized, "twice"),
            ("host: q\ncontent-length: 3", &sized, "CRLF"),
        ] {
            let head = format!("POST / HTTP/1.1\r\n{lines}\r\n\r\n");
            let (_, checked) = watched(&[head.as_bytes()], headers);
            assert!(checked.unwrap_err().contains(problem), "{lines}");
        }
        let (_, bare) = watched(&[b"GET / HTTP/1.1\nhost: q\n\n"], &headers("GET", &[]));
        assert!(bare.unwrap_err().contains("CRLF"));
        let text = b"POST / HTTP/1.1\r\ncontent-length: 44\r\n\r\na\ntransfer-encoding: x\ncontent-length: 1\n\r\n\r\n";
        assert_eq!(watched(&[text], &headers("POST", &[(CONTENT_LENGTH, "44")])).1, Ok(()), "a body may hold anything");
    }

    #[test]
    fn requests_sent_one_behind_the_other_are_told_apart() {
        let two = b"POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcPOST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 1\r\n\r\n";
        let (watch, checked) = watched(&[two], &headers("POST", &[(CONTENT_LENGTH, "3")]));
        assert_eq!(checked, Ok(()));
        assert!(watch.is_within_head());
        let chunked = headers("POST", &[(TRANSFER_ENCODING, "chunked")]);
        assert!(watch.request(&chunked).unwrap_err().contains("exclude"));

        let (watch, checked) = watched(&[b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"], &chunked);
        assert_eq!(checked, Ok(()));
        watch.chunks_end();
        watch.read(b"GET / HTTP/1.1\r\nhost: q\r\n\r\n");
        assert_eq!(watch.request(&headers("GET", &[])), Ok(()));
        watch.read(b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n");
        assert_eq!(watch.request(&chunked), Ok(()), "one after the other");
        watch.read(b"0\r\n\r\nPOST / HTTP/1.1\r\ncontent-length: 3\r\n");
        watch.chunks_end();
        watch.read(b"transfer-encoding: chunked\r\n\r\n");
        assert!(watch.request(&chunked).unwrap_err().contains("before the answer"));
    }

    #[test]
    fn the_librarys_own_answers_are_known_from_ours() {
        assert!(is_own_answer(
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\ndate: Mon, 23 Nov 2026 01:00:00 GMT\r\n\r\n"
        ));
        assert!(!is_own_answer(b"HTTP/1.1 404 Not Found\r\nX-Request-Id: 7\r\ncontent-length: 0\r\n\r\n"));
        assert!(!is_own_answer(b"HTTP/1.1 100 Continue\r\n\r\n") && !is_own_answer(b"HTTP/1.1 400 Bad Request\r\n"));
    }
}
