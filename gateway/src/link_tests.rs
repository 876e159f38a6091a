use http::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;

/// What a part answers.
#[derive(Clone, Default)]
struct Answer {
    http: StatusCode,
    /// In the headers.
    early: HeaderMap,
    /// None for an answer that is its headers.
    pieces: Option<Vec<Bytes>>,
    late: Option<HeaderMap>,
}

fn status(code: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static(code))])
}

impl Answer {
    fn pieces(pieces: &[&[u8]]) -> Self {
        let pieces = pieces.iter().map(|piece| Bytes::copy_from_slice(piece)).collect();
        Self { pieces: Some(pieces), late: Some(status("0")), ..Self::default() }
    }

    async fn send(self, mut respond: h2::server::SendResponse<Bytes>) {
        let mut head = Response::new(());
        *head.status_mut() = self.http;
        *head.headers_mut() = self.early;
        let Some(pieces) = self.pieces else {
            respond.send_response(head, true).unwrap();
            return;
        };
        let mut body = respond.send_response(head, false).unwrap();
        let end = self.late.is_none();
        let last = pieces.len().saturating_sub(1);
        for (n, piece) in pieces.into_iter().enumerate() {
            body.send_data(piece, end && n == last).unwrap();
        }
        if let Some(late) = self.late {
            body.send_trailers(late).unwrap();
        }
    }
}

/// A part that answers every call alike, and tells how many connections it has had. It ends with its task.
fn part(listener: TcpListener, answer: Answer) -> (JoinHandle<()>, watch::Receiver<usize>) {
    let (count, counted) = watch::channel(0);
    let serve = async move {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            count.send_modify(|count| *count += 1);
            let answer = answer.clone();
            connections.spawn(async move {
                let mut connection = h2::server::handshake(stream).await.unwrap();
                while let Some(Ok((_, respond))) = connection.accept().await {
                    tokio::spawn(answer.clone().send(respond));
                }
            });
        }
    };
    (tokio::spawn(serve), counted)
}

async fn listener() -> (TcpListener, Link) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let link = Link::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (listener, link)
}

async fn call(link: &Link) -> Result<Bytes> {
    link.call(&PathAndQuery::from_static("/a.B/C"), HeaderMap::new(), b"asked", Duration::from_secs(60)).await
}

async fn answered(answer: Answer) -> Result<Bytes> {
    let (listener, link) = listener().await;
    let _part = part(listener, answer);
    call(&link).await
}

fn message(bytes: &[u8]) -> Bytes {
    framed(bytes).unwrap()
}

#[tokio::test]
async fn an_answer_is_whole_however_it_is_cut() {
    let long = vec![7; 1 << 20];
    for text in [&b""[..], b"told", &long] {
        let framed = message(text);
        for cut in [0, 1, 4, 5, framed.len()] {
            let (begin, end) = framed.split_at(cut.min(framed.len()));
            assert_eq!(answered(Answer::pieces(&[begin, end])).await.unwrap(), text, "{} cut at {cut}", text.len());
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_is_refused() {
    let told = message(b"told");
    let twice = [&told[..], &told[..]].concat();
    let compressed = [&[1][..], &told[1..]].concat();
    for (pieces, problem) in [
        (&[&told[..8]][..], "not one whole message"),
        (&[&twice[..]], "not one whole message"),
        (&[&compressed[..]], "compressed"),
        (&[&told[..3]], "no answer"),
        (&[], "no answer"),
    ] {
        let refused = answered(Answer::pieces(pieces)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Internal, "{problem}");
        assert!(refused.message().contains(problem), "{problem}: {refused}");
    }
    let unended = Answer { late: None, ..Answer::pieces(&[&told]) };
    assert!(answered(unended).await.unwrap_err().message().contains("without a status"));
    let large = Bytes::from(vec![0; 1 << 20]);
    let endless = Answer::pieces(&vec![&large[..]; 33]);
    assert_eq!(answered(endless).await.unwrap_err().code(), Code::OutOfRange);
}

#[tokio::test]
async fn a_refusal_counts_before_and_behind_the_message() {
    let early = Answer { early: status("5"), ..Answer::default() };
    assert_eq!(answered(early).await.unwrap_err().code(), Code::NotFound);
    let late = Answer { late: Some(status("9")), ..Answer::pieces(&[&message(b"told")]) };
    assert_eq!(answered(late).await.unwrap_err().code(), Code::FailedPrecondition);
    for (http, code) in [(StatusCode::BAD_GATEWAY, Code::Unavailable), (StatusCode::NOT_FOUND, Code::Unimplemented)] {
        assert_eq!(answered(Answer { http, ..Answer::default() }).await.unwrap_err().code(), code);
    }
}

#[tokio::test]
async fn many_calls_share_a_connection_and_a_part_that_comes_again_is_found() {
    let (listener, link) = listener().await;
    let address = listener.local_addr().unwrap();
    let (first, connections) = part(listener, Answer::pieces(&[&message(b"first")]));
    for answer in futures::future::join_all((0..50).map(|_| call(&link))).await {
        assert_eq!(answer.unwrap(), "first");
    }
    assert_eq!(*connections.borrow(), 1);
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    // Whether the connection's end is seen before or after the call went into it: nobody answers.
    let gone = call(&link).await.unwrap_err();
    assert!(gone.code() == Code::Unavailable || std::error::Error::source(&gone).is_some(), "{gone:?}");
    let (_second, _) = part(TcpListener::bind(address).await.unwrap(), Answer::pieces(&[&message(b"second")]));
    // The next one may still meet the old connection.
    let again = match call(&link).await {
        Ok(answer) => answer,
        Err(_) => call(&link).await.unwrap(),
    };
    assert_eq!(again, "second");
}

#[test]
fn a_part_is_an_address_without_tls() {
    for url in ["https://draws:1", "draws:1", "http://", "nonsense\n"] {
        assert!(Link::new(url).is_err(), "{url}");
    }
    assert_eq!(Link::new("http://draws").unwrap().address, "draws:80");
    assert_eq!(Link::new("http://[::1]:7").unwrap().address, "[::1]:7");
}
