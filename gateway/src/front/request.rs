//! What a client sends, on its way to a part: whole, in messages of bounded size, without long pauses.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::Sleep;
use tonic::Status;

use crate::error::Fault;

/// What ended a request before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// The client reset its stream.
    GaveUp,
    /// It sent nothing for too long.
    TooSlow,
    /// A message exceeds so many bytes.
    TooLarge(usize),
}

impl Problem {
    /// What the client is told.
    pub fn fault(self) -> Fault {
        match self {
            Self::GaveUp => Status::cancelled("the client gave up").into(),
            Self::TooSlow => Fault::client_timeout(),
            Self::TooLarge(max) => Fault::too_large(max as u64),
        }
    }
}

/// Where a request's problem is found by whoever waits for the answer.
pub type Found = Arc<OnceLock<Problem>>;

/// The body of a request. It ends only where the client ended it: one that gives up resets its stream, which hyper hands on as
/// the regular end of the body, and half an upload would pass for a whole one.
pub struct Sent<B> {
    body: Option<B>,
    messages: Messages,
    idle_max: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    found: Found,
}

impl<B> Sent<B> {
    /// This body, and where its problem will stand.
    pub fn new(body: B, message_bytes_max: usize, idle_max: Duration) -> (Self, Found) {
        let found = Found::default();
        let messages = Messages { bytes_max: message_bytes_max, head: [0; 5], read: 0, left: 0 };
        (Self { body: Some(body), messages, idle_max, timer: None, found: found.clone() }, found)
    }

    fn fail(&mut self, problem: Problem) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        self.body = None;
        // Only the first one counts, and there is one at the most.
        let _ = self.found.set(problem);
        Poll::Ready(Some(Err(Status::aborted("the request broke off"))))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Sent<B> {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        match Pin::new(&mut *body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                self.timer = None;
                if let Some(data) = frame.data_ref()
                    && !self.messages.fit(data)
                {
                    let max = self.messages.bytes_max;
                    return self.fail(Problem::TooLarge(max));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) if body.is_end_stream() => {
                self.body = None;
                Poll::Ready(None)
            }
            Poll::Ready(Some(Err(_)) | None) => self.fail(Problem::GaveUp),
            Poll::Pending => {
                let idle_max = self.idle_max;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_max)));
                ready!(timer.as_mut().poll(context));
                self.fail(Problem::TooSlow)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream) && self.found.get().is_none()
    }
}

/// The gRPC framing: each message has five bytes before it, the last four of which are its length.
struct Messages {
    bytes_max: usize,
    head: [u8; 5],
    read: usize,
    /// Bytes to come of the message.
    left: usize,
}

impl Messages {
    /// Reads on; answers whether all messages so far are small enough. A message is judged by its head, before its bytes come.
    fn fit(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let of_message = self.left.min(bytes.len());
            (self.left, bytes) = (self.left - of_message, &bytes[of_message..]);
            let of_head = (self.head.len() - self.read).min(bytes.len());
            if self.left > 0 || of_head == 0 {
                continue;
            }
            self.head[self.read..self.read + of_head].copy_from_slice(&bytes[..of_head]);
            (self.read, bytes) = (self.read + of_head, &bytes[of_head..]);
            if self.read == self.head.len() {
                let [_, length @ ..] = self.head;
                (self.left, self.read) = (u32::from_be_bytes(length) as usize, 0);
                if self.left > self.bytes_max {
                    return false;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use proptest::prelude::*;

    /// A body whose client does what it is told after the frames.
    struct Client(Vec<Bytes>, After);

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum After {
        End,
        Reset,
        Nothing,
    }

    impl Body for Client {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            match (self.0.pop(), self.1) {
                (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
                (None, After::Nothing) => Poll::Pending,
                (None, After::End | After::Reset) => Poll::Ready(None),
            }
        }

        fn is_end_stream(&self) -> bool {
            self.0.is_empty() && self.1 == After::End
        }
    }

    async fn collected(after: After) -> (bool, Option<Problem>) {
        let frames = vec![Bytes::from_static(b"\x00\x00\x00\x00\x02ab")];
        let (sent, found) = Sent::new(Client(frames, after), 10, Duration::from_millis(1));
        (sent.collect().await.is_ok(), found.get().copied())
    }

    #[tokio::test]
    async fn a_request_ends_only_where_its_client_ended_it() {
        assert_eq!(collected(After::End).await, (true, None));
        assert_eq!(collected(After::Reset).await, (false, Some(Problem::GaveUp)));
        assert_eq!(collected(After::Nothing).await, (false, Some(Problem::TooSlow)));
    }

    proptest! {
        #[test]
        fn a_message_is_measured_however_the_stream_is_cut(
            lengths in prop::collection::vec(0..40_usize, 0..10),
            cuts in prop::collection::vec(1..9_usize, 1..50),
        ) {
            let stream: Vec<u8> = lengths
                .iter()
                .flat_map(|length| [vec![1], (*length as u32).to_be_bytes().to_vec(), vec![0xff; *length]].concat())
                .collect();
            let mut messages = Messages { bytes_max: 30, head: [0; 5], read: 0, left: 0 };
            let (mut rest, mut fit) = (stream.as_slice(), true);
            for cut in cuts.iter().cycle() {
                if rest.is_empty() || !fit {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                (fit, rest) = (messages.fit(piece), after);
            }
            prop_assert_eq!(fit, lengths.iter().all(|length| *length <= 30));
        }
    }
}
