//! The report of an import as a table for download: every value returned, with line, field and reason (art. 24).

use std::io::{self, Write};

use kit::sheet::Report;
use proto::{google::api::HttpBody, qingtian::common::v1::Import};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tonic::Status;

use crate::store;

const PIECE_BYTES: usize = 64 << 10;
const ROWS: i64 = 1_000;

/// Writes a report into a channel, page by page. Runs on a blocking thread of this runtime.
///
/// # Errors
/// The database fails, or nobody reads any more.
pub fn write(pool: &PgPool, import: &str, to: mpsc::Sender<Result<HttpBody, Status>>) -> io::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let mut report = Report::new(Pieces { to, bytes: Vec::new() })?;
    let mut after = 0;
    loop {
        let page = runtime.block_on(store::problems(pool, import, after, ROWS)).map_err(io::Error::other)?;
        for problem in &page {
            report.add(problem)?;
        }
        after += ROWS;
        if (page.len() as i64) < ROWS {
            return report.finish()?.end();
        }
    }
}

/// Name under which the report is saved, in ASCII: the file's own name follows in percent code (RFC 6266).
pub fn disposition(import: &Import) -> String {
    let name = format!("问题报告-{}.csv", import.file_name.trim_end_matches(".csv"));
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let encoded: String = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("attachment; filename=\"report.csv\"; filename*=UTF-8''{encoded}")
}

/// Gathers bytes and sends them in pieces.
struct Pieces {
    to: mpsc::Sender<Result<HttpBody, Status>>,
    bytes: Vec<u8>,
}

impl Pieces {
    fn send(&mut self) -> io::Result<()> {
        let data = std::mem::take(&mut self.bytes);
        let piece = HttpBody { content_type: "text/csv; charset=utf-8".to_owned(), data, extensions: Vec::new() };
        self.to.blocking_send(Ok(piece)).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }

    fn end(mut self) -> io::Result<()> {
        self.send()
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= PIECE_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_breaks_no_header() {
        let import = Import { file_name: "清单\"; x=\r\n.csv".to_owned(), ..Import::default() };
        let text = disposition(&import);
        assert!(text.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{text}");
        assert_eq!(text.matches('"').count(), 2);
        assert!(text.ends_with("%22%3B%20x%3D%0D%0A.csv"), "{text}");
    }
}
