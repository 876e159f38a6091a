//! Rows streamed by a department's own system (art. 13, 22): written out as the table they are, so that they go through the
//! same validator, the same report and the same batches as a file, and nothing of them is kept in memory.

use futures::Stream;
use kit::error::Refusal;
use proto::qingtian::draws::v1 as pb;
use tokio_stream::StreamExt;
use tonic::Status;

use super::rules::FIELDS;

/// A column that no field is read from: it keeps a row whose every field is empty from being taken for a blank line.
const ROW: &str = "row";
/// Rows of one message at the most.
pub const ROWS_MAX: usize = 1_000;

/// The chunks of an upload, each of the kind the first one was of.
pub fn checked(
    chunks: impl Stream<Item = Result<pb::ImportSubjectsRequest, Status>> + Unpin,
) -> impl Stream<Item = Result<pb::ImportSubjectsRequest, Status>> + Unpin {
    let mut by_rows = None;
    chunks.map(move |chunk| {
        let chunk = chunk?;
        let first = by_rows.is_none();
        let by_rows = *by_rows.get_or_insert(!chunk.rows.is_empty());
        let refused = |problem| Err(Refusal::invalid("rows", problem).into());
        if chunk.rows.len() > ROWS_MAX {
            return refused("每次最多1000行 / at most 1,000 rows a message");
        }
        if by_rows && chunk.file.is_some() || !by_rows && !chunk.rows.is_empty() {
            return refused("一次上传只能是文件或逐行数据之一；逐行上传的第一条消息须带数据行 / an upload holds a file or rows, not both; one of rows has rows in its first chunk");
        }
        if by_rows && !first && chunk.rows.is_empty() {
            return refused("没有数据行 / no rows");
        }
        Ok(chunk)
    })
}

/// A chunk's bytes: those of the file, or its rows as lines of a table whose header stands before the first.
pub fn bytes(chunk: pb::ImportSubjectsRequest) -> Vec<u8> {
    if chunk.rows.is_empty() {
        return chunk.file.unwrap_or_default().data;
    }
    let mut table = csv::WriterBuilder::new().from_writer(Vec::with_capacity(chunk.rows.len() * 128));
    // Only the first chunk names the register. Writing to memory cannot fail, and every record has as many cells.
    if !chunk.parent.is_empty() {
        let _ = table.write_record(FIELDS.into_iter().chain([ROW]));
    }
    for row in &chunk.rows {
        let cells = [&row.key, &row.title, &row.district, &row.industry, &row.address, &row.status, &row.credit_class];
        let _ = table.write_record(cells.into_iter().map(String::as_str).chain([ROW]));
    }
    table.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(key: &str) -> pb::SubjectRow {
        pb::SubjectRow { key: key.into(), title: "甲,\"乙\"".into(), ..Default::default() }
    }

    #[test]
    fn rows_become_the_table_they_are() {
        let first =
            pb::ImportSubjectsRequest { parent: "organisations/x".into(), rows: vec![row("a")], ..Default::default() };
        let next = pb::ImportSubjectsRequest { rows: vec![row("b"), row("")], ..Default::default() };
        let text = String::from_utf8([bytes(first), bytes(next)].concat()).unwrap();
        let expected = "key,title,district,industry,address,status,credit_class,row\na,\"甲,\"\"乙\"\"\",,,,,,row\nb,\"甲,\"\"乙\"\"\",,,,,,row\n,\"甲,\"\"乙\"\"\",,,,,,row\n";
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn an_upload_stays_what_it_began_as() {
        let file = || pb::ImportSubjectsRequest { file: Some(Default::default()), ..Default::default() };
        let rows = |n: usize| pb::ImportSubjectsRequest { rows: vec![row("a"); n], ..Default::default() };
        let empty = pb::ImportSubjectsRequest::default;
        for (chunks, fine) in [
            (vec![empty(), file()], true),
            (vec![rows(1), rows(ROWS_MAX)], true),
            (vec![rows(1), rows(ROWS_MAX + 1)], false),
            (vec![rows(1), file()], false),
            (vec![rows(1), empty()], false),
            (vec![file(), rows(1)], false),
            (vec![empty(), rows(1)], false),
        ] {
            let chunks = tokio_stream::iter(chunks.into_iter().map(Ok));
            let last = checked(chunks).collect::<Vec<_>>().await.pop().unwrap();
            assert_eq!(last.is_ok(), fine);
        }
    }
}
