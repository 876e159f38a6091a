//! Downloads of a register (art. 13): CSV that a spreadsheet opens without running anything in it, and that can be uploaded
//! again as it is.

use kit::{
    error::{Refusal, Result},
    sheet::safe_cell,
};
use proto::google::api::HttpBody;
use sqlx::PgPool;
use tokio::{io::AsyncReadExt, sync::mpsc};
use tonic::Status;

use super::{
    api::Download,
    rules::{FIELDS, class_word},
    search::{self, Filter, Order},
    store::SubjectRow,
};

/// Rows of one export at the most.
const ROWS_MAX: usize = 1_000_000;
/// Rows read at once.
const BATCH_ROWS: i64 = 2_000;
/// Bytes of one piece, about.
const PIECE_BYTES: usize = 128 << 10;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A piece of a CSV download.
pub fn csv(data: Vec<u8>) -> HttpBody {
    HttpBody { content_type: "text/csv; charset=utf-8".to_owned(), data, extensions: Vec::new() }
}

/// A stored file, piece by piece.
pub fn file(mut file: tokio::fs::File) -> Download {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = (&mut file).take(PIECE_BYTES as u64).read_to_end(&mut piece).await;
            let sent = match read {
                Ok(0) => return,
                Ok(_) => sender.send(Ok(csv(piece))).await,
                Err(error) => {
                    // The last word; whether it is heard changes nothing.
                    let _ = sender.send(Err(Refusal::from(error).into())).await;
                    return;
                }
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

/// The matching subjects, read batch by batch, so that a slow reader holds no connection.
pub fn subjects(pool: PgPool, filter: Filter, order: Order) -> Download {
    let (sender, receiver) = mpsc::channel(2);
    tokio::spawn(async move {
        if let Err(refusal) = write(&pool, &filter, order, &sender).await {
            // The last word; whether it is heard changes nothing.
            let _ = sender.send(Err(refusal.into())).await;
        }
    });
    Box::pin(tokio_stream::wrappers::ReceiverStream::new(receiver))
}

async fn write(
    pool: &PgPool,
    filter: &Filter,
    order: Order,
    sender: &mpsc::Sender<Result<HttpBody, Status>>,
) -> Result<()> {
    let mut table = table(BYTE_ORDER_MARK.to_vec());
    table.write_record(FIELDS).map_err(Refusal::internal)?;
    let (mut after, mut written) = (None::<String>, 0);
    loop {
        let mut conn = pool.acquire().await?;
        let rows = search::subjects(&mut conn, filter, order, after.as_deref(), BATCH_ROWS).await?;
        drop(conn);
        for row in rows.iter().take(ROWS_MAX - written) {
            table.write_record(cells(row)).map_err(Refusal::internal)?;
            if table.get_ref().len() >= PIECE_BYTES {
                let piece = taken(table)?;
                table = self::table(Vec::new());
                if sender.send(Ok(csv(piece))).await.is_err() {
                    return Ok(());
                }
            }
        }
        written += rows.len();
        after = rows.last().map(|row| order.place(row));
        if after.is_none() || written >= ROWS_MAX {
            break;
        }
    }
    // When nobody takes it, nobody misses it.
    let _ = sender.send(Ok(csv(taken(table)?))).await;
    Ok(())
}

fn table(begin: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(begin)
}

fn taken(table: csv::Writer<Vec<u8>>) -> Result<Vec<u8>> {
    table.into_inner().map_err(|error| Refusal::internal(anyhow::anyhow!("{error}")))
}

/// A subject's cells in the order of [`FIELDS`].
fn cells(row: &SubjectRow) -> [Vec<u8>; FIELDS.len()] {
    let class = class_word(&row.credit_class);
    [&row.key, &row.title, &row.district, &row.industry, &row.address, row.life().zh(), class]
        .map(|cell| safe_cell(cell).as_bytes().to_vec())
}
