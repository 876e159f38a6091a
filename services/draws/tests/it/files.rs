//! Files as large as a province's register (art. 13, 24): what breaks is repeated without doubles, and memory stays small.

use proto::{
    google::api::HttpBody,
    qingtian::{common::v1::ImportState, draws::v1 as pb},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::world::*;

/// Rows of one piece of the file.
const PIECE_ROWS: u32 = 500;
/// Bytes of an address: 450 make a row of some 500 bytes, so that a million rows are half a gigabyte.
const ADDRESS: &str = "郑开大道";

/// A million for the proof.
fn rows_of_a_big_file() -> u32 {
    if std::env::var_os("QINGTIAN_PROVE").is_some() { 1_000_000 } else { 30_000 }
}

/// The file piece by piece, made as it is sent, so that the process holds no more of it than its server does.
fn pieces(rows: u32) -> impl Iterator<Item = pb::ImportSubjectsRequest> + Send {
    let address = ADDRESS.repeat(37);
    let header = pb::ImportSubjectsRequest { file: body("key,title,address\n".to_owned()), ..upload_to(MARKET) };
    let rest = (0..rows).step_by(PIECE_ROWS as usize).map(move |first| {
        let serials = first..rows.min(first + PIECE_ROWS);
        let lines = serials.map(|n| format!("{},开封市第{n}商贸有限公司,{address}\n", code(LONGTING, n)));
        pb::ImportSubjectsRequest { file: body(lines.collect()), ..Default::default() }
    });
    std::iter::once(header).chain(rest)
}

fn body(text: String) -> Option<HttpBody> {
    Some(HttpBody { data: text.into_bytes(), ..Default::default() })
}

/// The most memory this process ever held, in KiB. Each test is a process of its own.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// What two imports, the client that sends them and the server with its batches may add to a process that has imported a
/// little: the batches on their way, each 5,000 rows as parsed and once more as COPY takes them, the windows of the transport
/// and the caches of the allocator, which is some 60 MiB; and up to 100 bytes a row for the table by which doubles are found
/// (20 bytes an entry, twice as many places as entries, and the smaller table while it grows). Half of it again is for other
/// machines. A million rows held as they are would be 500 MiB, and twice that as parsed.
fn growth_kib_max(rows: u32) -> u64 {
    (96 << 10) + u64::from(rows) * 150 / 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_big_file_that_breaks_is_repeated_without_doubles_in_little_memory() {
    let rows = rows_of_a_big_file();
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let first = clerk.import_subjects(futures::stream::iter(pieces(1_000))).await.unwrap().into_inner();
    assert_eq!(first.created, 1_000);
    let before = peak_kib();

    let taken = (rows / PIECE_ROWS * 3 / 4) as usize;
    let (sender, receiver) = mpsc::channel(1);
    let mut hasty = clerk.clone();
    let call = tokio::spawn(async move { hasty.import_subjects(ReceiverStream::new(receiver)).await });
    for piece in pieces(rows).take(taken) {
        sender.send(piece).await.unwrap();
    }
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // What arrived is entered first, however long all of that takes: only standing still is a failure.
    let ended = || world.count("select count(*) from import where state = 'INTERRUPTED'");
    let so_far = || world.count("select coalesce(max(rows) filter (where state = 'RUNNING'), 0) from import");
    let mut entered = 0;
    while ended().await == 0 {
        until("the broken import goes on or ends", || async { ended().await == 1 || so_far().await > entered }).await;
        entered = so_far().await;
    }
    // Not before: the transport may still read it, and its end would be the regular end of the upload.
    drop(sender);
    let in_register = world.count("select count(*) from subject").await;
    let all = i64::from(rows);
    assert!(in_register > 1_000 && in_register < all, "{in_register} of {all}");

    let whole = clerk.import_subjects(futures::stream::iter(pieces(rows))).await.unwrap().into_inner();
    assert_eq!(whole.state(), ImportState::Finished);
    assert_eq!(
        [whole.rows, whole.created, whole.unchanged, whole.updated, whole.returned],
        [all, all - in_register, in_register, 0, 0]
    );
    let found = "select count(distinct key) from subject where organisation = 'organisations/market' and revision = 1";
    assert_eq!([world.count("select count(*) from subject").await, world.count(found).await], [all, all]);

    let (grown, max) = (peak_kib() - before, growth_kib_max(rows));
    println!("{rows} rows, broken after {in_register}: {before} KiB grew by {grown} KiB of {max}");
    assert!(grown < max, "{before} KiB grew by {grown} KiB, more than {max}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_end_is_refused_by_its_number_and_the_rest_goes_in() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let (one, long, other) = (code(LONGTING, 1), "长".repeat(8 << 20), code(LONGTING, 2));
    let table = format!("key,title\n{one},甲\n{long},乙\n{other},丙\n");
    let import = upload(&mut clerk, upload_to(MARKET), table.as_bytes()).await.unwrap();
    let told: Vec<_> = import.problems.iter().map(|one| (one.line, one.reason.as_str())).collect();
    assert_eq!(told, [(3, "LINE_TOO_LONG")]);
    assert!(import.problems[0].value.len() < 1_000, "what is told of it is short");
    assert_eq!((import.rows, import.created, import.returned), (3, 2, 1));
}
