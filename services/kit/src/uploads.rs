//! Uploads (art. 24): so many at once and no more, none that stands still for ever, and each worked on to its end even when
//! its uploader hangs up. Whoever opens uploads and sends nothing cannot hold the threads that all the others need.

mod seal;
pub mod sessions;
mod store;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;
use tracing::Instrument;

use crate::{
    env::Env,
    error::{Reason, Refusal, Result},
};

/// Uploads of one part at once at the most. Each may hold a blocking thread for as long as its bytes take to come in, and a
/// process has 512 of them for all its parts, their files and their computations. A city's bureaus upload a few at a time.
pub const AT_ONCE_MAX: usize = 32;
/// Chunks that wait between the network and the work.
const WAITING_MAX: usize = 4;

/// A piece of an upload.
#[derive(Debug)]
pub enum Piece {
    /// Bytes of the file.
    Bytes(Bytes),
    /// The uploader said that this was all. Without it the upload broke off.
    End,
}

/// The uploads of one part.
#[derive(Debug, Clone)]
pub struct Uploads {
    places: Arc<Semaphore>,
    idle_max: Duration,
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Uploads {
    /// With every place free.
    pub fn new(env: &Env) -> Self {
        Self::with(env.upload_idle_max, env.shutdown.clone(), env.tasks.clone())
    }

    fn with(idle_max: Duration, shutdown: CancellationToken, tasks: TaskTracker) -> Self {
        Self { places: Arc::new(Semaphore::new(AT_ONCE_MAX)), idle_max, shutdown, tasks }
    }

    /// Gives an upload a place before anything of it is read.
    ///
    /// # Errors
    /// `UNAVAILABLE` when all are taken.
    pub fn open<S>(&self, chunks: S) -> Result<Upload<S>> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| Refusal::new(Reason::Unavailable))?;
        Ok(Upload { chunks, place, uploads: self.clone() })
    }
}

/// An upload that has its place.
#[derive(Debug)]
pub struct Upload<S> {
    chunks: S,
    place: OwnedSemaphorePermit,
    uploads: Uploads,
}

impl<S, T> Upload<S>
where
    S: Stream<Item = Result<T, Status>> + Unpin,
{
    /// The next chunk; none when the uploader ended.
    ///
    /// # Errors
    /// `FILE_UNREADABLE` when nothing comes for too long, `UNAVAILABLE` when the process stops; the uploader gave up.
    pub async fn next(&mut self) -> Result<Option<T>, Status> {
        self.uploads.next(&mut self.chunks).await
    }

    /// Hands the bytes of all chunks to `work` and answers what it made of them. The work has a task of its own and keeps the
    /// place to its end: a handler that is dropped, or an upload that breaks off, ends the pieces without [`Piece::End`].
    ///
    /// # Errors
    /// Those of [`Upload::next`], told after the work ended; those of the work.
    pub async fn run<R, W>(
        self,
        first: T,
        bytes: impl Fn(T) -> Vec<u8>,
        work: impl FnOnce(mpsc::Receiver<Piece>) -> W,
    ) -> Result<R, Status>
    where
        R: Send + 'static,
        W: Future<Output = Result<R>> + Send + 'static,
    {
        let Self { chunks, place, uploads } = self;
        let (sender, pieces) = mpsc::channel(WAITING_MAX);
        let working = uploads.work(place, work(pieces));
        let sent = uploads.forward(first, chunks, bytes, sender).await;
        let done = working.await.map_err(Refusal::internal)?;
        sent?;
        Ok(done?)
    }

    /// As [`Upload::run`] for work that takes its bytes from where they are kept; nothing more is read from the uploader.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn run_kept<R, W>(self, work: W) -> Result<R, Status>
    where
        R: Send + 'static,
        W: Future<Output = Result<R>> + Send + 'static,
    {
        let Self { place, uploads, .. } = self;
        Ok(uploads.work(place, work).await.map_err(Refusal::internal)??)
    }
}

impl Uploads {
    /// A task that keeps its place to its end.
    fn work<R, W>(&self, place: OwnedSemaphorePermit, work: W) -> tokio::task::JoinHandle<Result<R>>
    where
        R: Send + 'static,
        W: Future<Output = Result<R>> + Send + 'static,
    {
        let working = async move {
            let done = work.await;
            drop(place);
            done
        };
        self.tasks.spawn(working.in_current_span())
    }

    async fn next<S, T>(&self, chunks: &mut S) -> Result<Option<T>, Status>
    where
        S: Stream<Item = Result<T, Status>> + Unpin,
    {
        tokio::select! {
            () = self.shutdown.cancelled() => Err(Refusal::new(Reason::Unavailable).into()),
            chunk = timeout(self.idle_max, chunks.next()) => match chunk {
                Ok(chunk) => chunk.transpose(),
                Err(_) => Err(stood_still(self.idle_max).into()),
            },
        }
    }

    /// Passes bytes on until the upload ends, and says so only when the uploader did.
    async fn forward<S, T>(
        &self,
        first: T,
        mut chunks: S,
        bytes: impl Fn(T) -> Vec<u8>,
        to: mpsc::Sender<Piece>,
    ) -> Result<(), Status>
    where
        S: Stream<Item = Result<T, Status>> + Unpin,
    {
        let mut next = Some(first);
        while let Some(chunk) = next {
            // When nobody takes it, the work has ended and says why.
            if to.send(Piece::Bytes(bytes(chunk).into())).await.is_err() {
                return Ok(());
            }
            next = self.next(&mut chunks).await.inspect_err(|status| tracing::info!(%status, "an upload broke off"))?;
        }
        // As above.
        let _ = to.send(Piece::End).await;
        Ok(())
    }
}

fn stood_still(idle_max: Duration) -> Refusal {
    let seconds = idle_max.as_secs();
    let problem = format!(
        "{seconds}秒内没有收到内容，上传已中断；此前收到的完整行保留。请检查网络后重新上传整个文件，不会重复 / nothing arrived \
         for {seconds} seconds and the upload was broken off; whole rows that came before stay. Check the connection and \
         upload the whole file again, which makes no doubles"
    );
    Refusal::new(Reason::FileUnreadable).with("problem", problem)
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, BoxStream};
    use tokio::sync::oneshot;
    use tonic_types::StatusExt;

    use super::*;
    use crate::env::UPLOAD_IDLE_MAX;

    /// Nothing here depends on how long a moment is: where one is waited for, nothing else can ever happen.
    const MOMENT: Duration = Duration::from_millis(1);

    fn uploads(idle_max: Duration) -> Uploads {
        Uploads::with(idle_max, CancellationToken::new(), TaskTracker::new())
    }

    type Chunks = BoxStream<'static, Result<&'static str, Status>>;

    fn chunks(given: Vec<Result<&'static str, Status>>) -> Chunks {
        stream::iter(given).boxed()
    }

    fn endless() -> Chunks {
        stream::pending().boxed()
    }

    fn bytes(chunk: &str) -> Vec<u8> {
        chunk.as_bytes().to_vec()
    }

    /// What came in, and whether it was said to be all.
    async fn collect(mut pieces: mpsc::Receiver<Piece>) -> Result<(String, bool)> {
        let (mut text, mut whole) = (String::new(), false);
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Bytes(bytes) => text += std::str::from_utf8(&bytes).unwrap(),
                Piece::End => whole = true,
            }
        }
        Ok((text, whole))
    }

    /// Runs an upload; what the work got, and what the uploader was told.
    async fn run(uploads: &Uploads, stream: Chunks) -> ((String, bool), Result<(), Status>) {
        let mut upload = uploads.open(stream).unwrap();
        let first = upload.next().await.unwrap().unwrap();
        let (told, got) = oneshot::channel();
        let work = |pieces| async move {
            told.send(collect(pieces).await?).unwrap();
            Ok(())
        };
        let answer = upload.run(first, bytes, work).await;
        (got.await.unwrap(), answer)
    }

    fn reason(status: &Status) -> (String, String) {
        let info = status.get_error_details().error_info().cloned().unwrap();
        (info.reason, info.metadata.get("problem").cloned().unwrap_or_default())
    }

    #[tokio::test]
    async fn an_upload_arrives_whole_or_is_known_to_be_broken() {
        let uploads = uploads(UPLOAD_IDLE_MAX);
        let (got, answer) = run(&uploads, chunks(vec![Ok("a"), Ok("b"), Ok("c")])).await;
        assert_eq!((got, answer.is_ok()), (("abc".to_owned(), true), true));
        let gave_up = Err(Status::aborted("the client gave up"));
        let (got, answer) = run(&uploads, chunks(vec![Ok("a"), gave_up])).await;
        assert_eq!((got, answer.unwrap_err().code()), (("a".to_owned(), false), tonic::Code::Aborted));
        assert!(uploads.open(chunks(vec![])).unwrap().next().await.unwrap().is_none());
    }

    #[tokio::test]
    async fn an_upload_that_stands_still_is_broken_off_and_told_what_to_do() {
        let uploads = uploads(MOMENT);
        let (got, answer) = run(&uploads, stream::iter([Ok("a"), Ok("b")]).chain(endless()).boxed()).await;
        assert_eq!(got, ("ab".to_owned(), false), "what came before is kept");
        let (reason_said, problem) = reason(&answer.unwrap_err());
        assert_eq!(reason_said, "FILE_UNREADABLE");
        assert!(problem.contains("重新上传") && problem.contains("upload the whole file again"), "{problem}");
        let nothing = uploads.open(endless()).unwrap().next().await.unwrap_err();
        assert_eq!(reason(&nothing).0, "FILE_UNREADABLE", "not even the first chunk is waited for without end");
        assert_eq!(uploads.places.available_permits(), AT_ONCE_MAX, "nothing of it is left");
    }

    #[tokio::test]
    async fn no_upload_keeps_a_process_from_stopping() {
        let uploads = uploads(UPLOAD_IDLE_MAX);
        uploads.shutdown.cancel();
        let stopped = uploads.open(endless()).unwrap().next().await.unwrap_err();
        assert_eq!(reason(&stopped).0, "UNAVAILABLE");
    }

    #[tokio::test]
    async fn one_upload_too_many_is_refused_at_once_and_a_freed_place_is_used_again() {
        let uploads = uploads(UPLOAD_IDLE_MAX);
        let mut open: Vec<_> = (0..AT_ONCE_MAX).map(|_| uploads.open(endless()).unwrap()).collect();
        assert_eq!(uploads.open(endless()).err().unwrap().reason(), Reason::Unavailable);
        // The uploader hangs up: the work goes on, and has the place until its end.
        let (end, ending) = oneshot::channel::<()>();
        let upload = open.pop().unwrap();
        let hung_up = upload.run("a", bytes, |_| async { ending.await.map_err(Refusal::internal) });
        assert!(timeout(MOMENT, hung_up).await.is_err());
        assert_eq!(uploads.open(endless()).err().unwrap().reason(), Reason::Unavailable);
        end.send(()).unwrap();
        uploads.tasks.close();
        uploads.tasks.wait().await;
        open.push(uploads.open(endless()).unwrap());
        assert_eq!(uploads.open(endless()).err().unwrap().reason(), Reason::Unavailable);
    }
}
