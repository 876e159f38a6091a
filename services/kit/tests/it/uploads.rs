//! Uploads that go on where they stopped, against a real PostgreSQL (art. 24).

use chrono::Duration;
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use kit::{
    auth::Caller,
    blob::Digest,
    env::{Clock, Databases, Env, Parts},
    error::{Reason, Refusal},
    keys::Keys,
    ledger::{Ledger, Schema},
    peers::Peers,
    testing::{TestFleet, refusal_of},
    uploads::{
        Piece,
        sessions::{Limits, PIECE_BYTES_MAX, Sessions},
    },
};
use proto::{google::api::HttpBody, qingtian::uploads::v1 as pb};
use sqlx::migrate::Migrator;
use tokio::sync::oneshot;
use tonic::Status;

static NOTHING: std::sync::LazyLock<Migrator> = std::sync::LazyLock::new(|| Migrator::with_migrations(Vec::new()));

const OFFICE: &str = "organisations/a";
const CHUNK: usize = 256 << 10;

struct Bench {
    sessions: Sessions,
    ledger: Ledger,
    clock: Clock,
    caller: Caller,
    _fleet: TestFleet,
    _folder: tempfile::TempDir,
}

/// A part with nothing but uploads.
async fn bench(limits: Limits) -> Bench {
    let fleet = TestFleet::new(&["identity"]).await.unwrap();
    let schema = Schema { migrator: &NOTHING, grants: "" };
    let place = |template: &str| template.replace("{service}", "identity");
    schema.migrate(&place(&fleet.migrate_database_url), &place(&fleet.role)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::set("2026-11-23T01:00:00Z".parse().unwrap());
    let mut env = Env::new(Parts {
        keys: Keys::generate(clock.now(), true).unwrap(),
        clock: clock.clone(),
        peers: Peers::new("http://127.0.0.1:1"),
        databases: Databases { url: fleet.database_url.clone(), migrate_url: None, connections_max: 8 },
        blob_folder: folder.path().join("blobs"),
    })
    .unwrap();
    env.upload_sessions = limits;
    let ledger = Ledger::open(&env, "identity").unwrap();
    // The sweeper looks once at the start, when there is nothing; then the test does.
    let sessions = Sessions::start(&env, &ledger, "uploads").unwrap();
    Bench { sessions, ledger, clock, caller: caller("users/li"), _fleet: fleet, _folder: folder }
}

fn caller(actor: &str) -> Caller {
    Caller { actor: actor.into(), organisation: OFFICE.into(), method: "/x/AppendUpload".into(), ..Caller::default() }
}

/// Bytes no two pieces of which are the same.
fn file(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7 + at / PIECE_BYTES_MAX * 13) as u8).collect()
}

fn asked(upload: pb::Upload) -> pb::CreateUploadRequest {
    pb::CreateUploadRequest { parent: OFFICE.into(), upload: Some(upload), request_id: String::new() }
}

type Chunks = BoxStream<'static, Result<pb::AppendUploadRequest, Status>>;

/// A file's bytes from an offset on, as chunks of a stream.
fn chunks(name: &str, offset: i64, bytes: &[u8]) -> Chunks {
    let mut made: Vec<_> = bytes
        .chunks(CHUNK)
        .map(|data| {
            let file = HttpBody { data: data.to_vec(), ..HttpBody::default() };
            Ok(pb::AppendUploadRequest { file: Some(file), ..Default::default() })
        })
        .collect();
    if made.is_empty() {
        made.push(Ok(pb::AppendUploadRequest::default()));
    }
    if let Ok(first) = &mut made[0] {
        (first.name, first.offset) = (name.to_owned(), offset);
    }
    stream::iter(made).boxed()
}

fn broken(name: &str, offset: i64, bytes: &[u8]) -> Chunks {
    chunks(name, offset, bytes).chain(stream::iter([Err(Status::aborted("the line broke"))])).boxed()
}

impl Bench {
    async fn create(&self, length: Option<i64>, sha256: &str) -> Result<String, Refusal> {
        let upload = pb::Upload { file_name: "名录.csv".into(), length, sha256: sha256.into(), ..Default::default() };
        Ok(self.sessions.create(&self.caller, asked(upload)).await?.name)
    }

    async fn append(&self, chunks: Chunks) -> Result<pb::Upload, Status> {
        self.sessions.append(self.caller.clone(), chunks).await
    }

    async fn offset(&self, name: &str) -> i64 {
        self.sessions.get(&self.caller, name).await.unwrap().offset
    }

    /// What an import would read; none when it is not whole.
    async fn content(&self, name: &str) -> Option<Vec<u8>> {
        let complete = self.sessions.complete(&self.caller, OFFICE, name).await.unwrap();
        let mut pieces = self.sessions.pieces(&complete);
        let mut content = Vec::new();
        while let Some(piece) = pieces.recv().await {
            match piece {
                Piece::Bytes(bytes) => content.extend_from_slice(&bytes),
                Piece::End => return Some(content),
            }
        }
        None
    }
}

fn reason(status: &Status) -> String {
    refusal_of(status).0
}

#[tokio::test]
async fn an_upload_goes_on_where_its_line_broke_and_arrives_as_it_was_sent() {
    let bench = bench(Limits::default()).await;
    let sent = file(2 * PIECE_BYTES_MAX + PIECE_BYTES_MAX / 2 + 3);
    let sha256 = Digest::of(&sent).to_string();
    let name = bench.create(Some(sent.len() as i64), &sha256).await.unwrap();
    let half = PIECE_BYTES_MAX + 3 * CHUNK;
    let status = bench.append(broken(&name, 0, &sent[..half])).await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Aborted);
    assert_eq!(bench.offset(&name).await, half as i64, "every chunk that arrived is kept");

    let too_early = bench.sessions.complete(&bench.caller, OFFICE, &name).await.unwrap_err();
    assert_eq!((too_early.reason(), too_early.value("offset")), (Reason::UploadIncomplete, Some(&*half.to_string())));
    for wrong in [0, half as i64 - 1, half as i64 + 1] {
        let status = bench.append(chunks(&name, wrong, &sent[..10])).await.unwrap_err();
        let (reason, said) = refusal_of(&status);
        assert_eq!((&*reason, &*said["offset"]), ("UPLOAD_OFFSET", &*half.to_string()));
    }
    let done = bench.append(chunks(&name, half as i64, &sent[half..])).await.unwrap();
    assert_eq!((done.state(), &done.sha256), (pb::UploadState::Complete, &sha256));
    assert_eq!(bench.content(&name).await.unwrap(), sent);
    // The answer to the last piece may get lost: sent again without bytes it is the same.
    assert_eq!(bench.append(chunks(&name, done.offset, b"")).await.unwrap(), done);
    let status = bench.append(chunks(&name, done.offset, b"x")).await.unwrap_err();
    assert_eq!(reason(&status), "TOO_LARGE");
}

#[tokio::test]
async fn a_file_of_unknown_length_is_complete_when_that_is_told() {
    let bench = bench(Limits::default()).await;
    let name = bench.create(None, "").await.unwrap();
    let open = bench.append(chunks(&name, 0, b"abc")).await.unwrap();
    assert_eq!((open.state(), open.length), (pb::UploadState::Open, None));
    let with_length = |offset, bytes: &'static [u8], length| {
        let mut chunk = pb::AppendUploadRequest { name: name.clone(), offset, length: Some(length), file: None };
        chunk.file = Some(HttpBody { data: bytes.to_vec(), ..HttpBody::default() });
        stream::iter([Ok(chunk)]).boxed()
    };
    assert_eq!(reason(&bench.append(with_length(3, b"d", 2)).await.unwrap_err()), "INVALID");
    assert_eq!(reason(&bench.append(with_length(3, b"d", (1 << 30) + 1)).await.unwrap_err()), "TOO_LARGE");
    let done = bench.append(with_length(3, b"de", 5)).await.unwrap();
    assert_eq!((done.state(), done.offset), (pb::UploadState::Complete, 5));
    assert_eq!(done.sha256, Digest::of(b"abcde").to_string());
    assert_eq!(reason(&bench.append(with_length(5, b"", 6)).await.unwrap_err()), "INVALID");
}

/// Both have begun at the same offset before either is heard; who keeps a piece first wins, and nothing of the other is in it.
#[tokio::test]
async fn of_two_senders_at_once_one_wins_and_the_other_is_told_where_to_go_on() {
    let bench = bench(Limits::default()).await;
    let name = bench.create(Some(3 * CHUNK as i64), "").await.unwrap();
    let (first, rest) = (vec![b'a'; CHUNK], vec![b'b'; 2 * CHUNK]);
    let (let_on, waiting) = oneshot::channel::<()>();
    let (heard, hearing) = oneshot::channel::<()>();
    let late = chunks(&name, 0, &first).chain(
        stream::once(async move {
            heard.send(()).unwrap();
            waiting.await.unwrap();
            let file = HttpBody { data: vec![b'x'; CHUNK], ..HttpBody::default() };
            Ok(pb::AppendUploadRequest { file: Some(file), ..Default::default() })
        })
        .boxed(),
    );
    let (sessions, caller) = (bench.sessions.clone(), bench.caller.clone());
    let late = tokio::spawn(async move { sessions.append(caller, late.boxed()).await });
    hearing.await.unwrap();
    bench.append(chunks(&name, 0, &first)).await.unwrap();
    let_on.send(()).unwrap();
    let (reason, said) = refusal_of(&late.await.unwrap().unwrap_err());
    assert_eq!((&*reason, &*said["offset"]), ("UPLOAD_OFFSET", &*CHUNK.to_string()));
    bench.append(chunks(&name, CHUNK as i64, &rest)).await.unwrap();
    assert_eq!(bench.content(&name).await.unwrap(), [first, rest].concat());
}

#[tokio::test]
async fn what_differs_from_its_announced_digest_is_thrown_away_and_sent_again() {
    let bench = bench(Limits::default()).await;
    let name = bench.create(Some(4), &Digest::of(b"good").to_string()).await.unwrap();
    assert_eq!(reason(&bench.append(chunks(&name, 0, b"evil")).await.unwrap_err()), "UPLOAD_DIGEST");
    assert_eq!(bench.offset(&name).await, 0);
    let pieces: i64 =
        sqlx::query_scalar("select count(*) from upload_piece").fetch_one(bench.ledger.pool()).await.unwrap();
    assert_eq!(pieces, 0);
    assert_eq!(bench.append(chunks(&name, 0, b"good")).await.unwrap().state(), pb::UploadState::Complete);
    assert_eq!(bench.content(&name).await.unwrap(), b"good");
}

#[tokio::test]
async fn nobody_but_its_creator_sees_an_upload_and_nobody_reads_its_pieces() {
    let bench = bench(Limits::default()).await;
    let name = bench.create(Some(11), "").await.unwrap();
    bench.append(chunks(&name, 0, b"real names!")).await.unwrap();
    let other = caller("users/wang");
    assert_eq!(bench.sessions.get(&other, &name).await.unwrap_err().reason(), Reason::NotFound);
    assert_eq!(bench.sessions.delete(&other, &name).await.unwrap_err().reason(), Reason::NotFound);
    assert_eq!(bench.sessions.complete(&other, OFFICE, &name).await.unwrap_err().reason(), Reason::NotFound);
    let status = bench.sessions.append(other, chunks(&name, 11, b"x")).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_FOUND");
    let elsewhere = bench.sessions.complete(&bench.caller, "organisations/b", &name).await.unwrap_err();
    assert_eq!(elsewhere.reason(), Reason::NotFound);
    let sealed: Vec<u8> =
        sqlx::query_scalar("select sealed from upload_piece").fetch_one(bench.ledger.pool()).await.unwrap();
    assert!(!sealed.windows(4).any(|part| part == b"real"), "sealed at rest");
    bench.sessions.delete(&bench.caller, &name).await.unwrap();
    let left: i64 =
        sqlx::query_scalar("select count(*) from upload_piece").fetch_one(bench.ledger.pool()).await.unwrap();
    assert_eq!(left, 0);
    assert_eq!(bench.sessions.delete(&bench.caller, &name).await.unwrap_err().reason(), Reason::NotFound);
}

#[tokio::test]
async fn an_upload_that_stands_still_ends_and_one_that_moves_goes_on() {
    let bench = bench(Limits { life_max: Duration::hours(40), ..Limits::default() }).await;
    let (still, moving) = (bench.create(Some(9), "").await.unwrap(), bench.create(Some(9), "").await.unwrap());
    bench.clock.advance(Duration::hours(20));
    bench.append(chunks(&moving, 0, b"abc")).await.unwrap();
    bench.clock.advance(Duration::hours(4));
    assert_eq!(bench.sessions.get(&bench.caller, &still).await.unwrap_err().reason(), Reason::NotFound);
    assert_eq!(bench.offset(&moving).await, 3);
    assert_eq!(bench.sessions.destroy_ended().await.unwrap(), 1);
    bench.append(chunks(&moving, 3, b"def")).await.unwrap();
    // Whatever comes, it does not live for ever.
    bench.clock.advance(Duration::hours(16));
    assert_eq!(reason(&bench.append(chunks(&moving, 6, b"ghi")).await.unwrap_err()), "NOT_FOUND");
    for _ in 0..25 {
        bench.sessions.create(&caller(&uuid::Uuid::now_v7().to_string()), asked(pb::Upload::default())).await.unwrap();
    }
    bench.clock.advance(Duration::hours(41));
    assert_eq!(bench.sessions.destroy_ended().await.unwrap(), 26);
    let left: (i64, i64) = sqlx::query_as("select (select count(*) from upload), (select count(*) from upload_piece)")
        .fetch_one(bench.ledger.pool())
        .await
        .unwrap();
    assert_eq!(left, (0, 0));
}

#[tokio::test]
async fn nobody_fills_the_disk() {
    let limits =
        Limits { open_max: 2, caller_bytes_max: 100, part_bytes_max: 150, file_bytes_max: 60, ..Limits::default() };
    let bench = bench(limits).await;
    for (length, expected) in [(0, Reason::Invalid), (-1, Reason::Invalid), (61, Reason::TooLarge)] {
        assert_eq!(bench.create(Some(length), "").await.unwrap_err().reason(), expected);
    }
    assert_eq!(bench.create(Some(1), "AB").await.unwrap_err().reason(), Reason::Invalid);
    let first = bench.create(Some(50), "").await.unwrap();
    // Of unknown length it counts as the largest.
    assert_eq!(bench.create(None, "").await.unwrap_err().reason(), Reason::UploadsFull);
    let second = bench.create(Some(50), "").await.unwrap();
    assert_eq!(bench.create(Some(1), "").await.unwrap_err().reason(), Reason::UploadsFull, "two at once");
    let others = caller("users/wang");
    let upload = |length| asked(pb::Upload { length: Some(length), ..Default::default() });
    assert_eq!(bench.sessions.create(&others, upload(51)).await.unwrap_err().reason(), Reason::UploadsFull);
    bench.sessions.create(&others, upload(50)).await.unwrap();
    let status = Status::from(bench.sessions.create(&others, upload(1)).await.unwrap_err());
    assert_eq!(status.code(), tonic::Code::ResourceExhausted);
    // What is imported counts no more.
    bench.append(chunks(&first, 0, &[7; 50])).await.unwrap();
    let complete = bench.sessions.complete(&bench.caller, OFFICE, &first).await.unwrap();
    let mut conn = bench.ledger.pool().acquire().await.unwrap();
    complete.link(&mut conn, "organisations/a/imports/1").await.unwrap();
    assert_eq!(complete.link(&mut conn, "organisations/a/imports/2").await.unwrap_err().reason(), Reason::WrongState);
    complete.used(&mut conn).await.unwrap();
    let used = bench.sessions.get(&bench.caller, &first).await.unwrap();
    assert_eq!((used.state(), &*used.import), (pb::UploadState::Used, "organisations/a/imports/1"));
    assert!(bench.content(&first).await.is_none(), "its bytes are gone");
    bench.sessions.delete(&bench.caller, &second).await.unwrap();
    bench.create(Some(50), "").await.unwrap();
    bench.create(Some(50), "").await.unwrap();
}

/// However fast a sender is, what was read of it is never further ahead of what is kept than a few chunks.
#[tokio::test]
async fn an_upload_is_read_no_faster_than_it_is_kept() {
    let bench = bench(Limits::default()).await;
    let name = bench.create(None, "").await.unwrap();
    let pool = bench.ledger.pool().clone();
    let chunks = stream::unfold(0_i64, move |sent| {
        let (pool, name) = (pool.clone(), name.clone());
        async move {
            if sent == 24 * CHUNK as i64 {
                return None;
            }
            let kept: i64 = sqlx::query_scalar("select stored from upload").fetch_one(&pool).await.unwrap();
            // One piece being filled or sealed, four chunks waiting, one on either side of them.
            assert!(sent - kept <= (PIECE_BYTES_MAX + 6 * CHUNK) as i64, "{sent} sent, {kept} kept");
            let file = HttpBody { data: vec![7; CHUNK], ..HttpBody::default() };
            let name = if sent == 0 { name } else { String::new() };
            let chunk = pb::AppendUploadRequest { name, file: Some(file), ..Default::default() };
            Some((Ok(chunk), sent + CHUNK as i64))
        }
    });
    assert_eq!(bench.append(chunks.boxed()).await.unwrap().offset, 24 * CHUNK as i64);
    let largest: i32 = sqlx::query_scalar("select max(length(sealed)) from upload_piece")
        .fetch_one(bench.ledger.pool())
        .await
        .unwrap();
    assert!(largest <= PIECE_BYTES_MAX as i32 + 28);
}
