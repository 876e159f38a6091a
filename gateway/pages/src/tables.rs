//! Lists: searched by a form, read page by page, taken home as CSV that no spreadsheet runs as a formula.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use kit::sheet::safe_cell;
use maud::{Markup, html};

use crate::{
    failure::{Failure, Refused},
    reader::Reader,
};

/// Pages of a list in one CSV at the most; with 1,000 rows each that is the largest list the platform draws.
const PAGES_MAX: usize = 1_000;

/// One page of rows and the token of the next.
pub type Rows = (Vec<Vec<String>>, String);

/// A list to take home.
pub struct Table<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Names of the columns, comma-separated.
    pub header: &'a str,
}

impl Table<'_> {
    /// Asks page after page and sends each as it comes. What the first page is refused for is a page of its own; later, the
    /// download breaks off visibly.
    ///
    /// # Errors
    /// The first page was refused.
    pub async fn answer<F, A>(self, reader: Reader, ask: F) -> Result<Response, Failure>
    where
        F: Fn(Reader, String) -> A + Send + 'static,
        A: Future<Output = Result<Rows, Refused>> + Send,
    {
        let (rows, next) = ask(reader.clone(), String::new()).await.map_err(|refused| refused.page(&reader))?;
        let columns: Vec<String> = self.header.split(',').map(str::to_owned).collect();
        let mut first = b"\xef\xbb\xbf".to_vec();
        first.extend(lines(&[columns]));
        first.extend(lines(&rows));
        let following = stream::unfold((reader, ask, next, 1), |(reader, ask, token, page)| async move {
            if token.is_empty() || page >= PAGES_MAX {
                return None;
            }
            match ask(reader.clone(), token).await {
                Ok((rows, next)) => Some((Ok(Bytes::from(lines(&rows))), (reader, ask, next, page + 1))),
                Err(refused) => Some((Err(std::io::Error::other(refused.reason)), (reader, ask, String::new(), page))),
            }
        });
        // Fused, as a layer that compresses asks once more after the end.
        let body = Body::from_stream(stream::once(async { Ok(Bytes::from(first)) }).chain(following).fuse());
        let disposition = format!("attachment; filename=\"{}\"", self.file);
        let headers = [
            (CONTENT_TYPE, "text/csv; charset=utf-8"),
            (CONTENT_DISPOSITION, disposition.as_str()),
            (CACHE_CONTROL, "no-cache"),
        ];
        Ok((headers, body).into_response())
    }
}

/// Rows as CSV.
fn lines(rows: &[Vec<String>]) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|cell| safe_cell(cell).into_owned());
        if writer.write_record(cells).is_err() {
            // Writing into memory does not fail, and rows of one table are equally long.
            tracing::error!("a row of a table was left out");
        }
    }
    writer.into_inner().unwrap_or_default()
}

/// The form that searches a list; it keeps what was typed.
pub fn filter(reader: &Reader, label: &str) -> Markup {
    let lang = reader.lang;
    html! {
        form.search action=(reader.path()) {
            label for="q" { (label) }
            div.row {
                input #q type="search" name="q" value=(reader.get("q")) maxlength="100";
                button { (lang.t("查找", "Find")) }
                @if !reader.get("q").is_empty() { a href=(reader.with(&[("q", ""), ("page", "")])) { (lang.t("清除", "Clear")) } }
            }
        }
    }
}

/// What stands in place of an empty list.
pub fn nothing(reader: &Reader) -> Markup {
    let lang = reader.lang;
    html! {
        p.quiet {
            @if reader.get("q").is_empty() { (lang.t("现在还没有内容。", "There is nothing here yet.")) }
            @else { (lang.t("没有找到。请换一个词，或清除查找条件。", "Nothing was found. Try other words, or clear the search.")) }
        }
    }
}

/// The way to the next page and back to the first.
pub fn pager(reader: &Reader, next: &str) -> Markup {
    let lang = reader.lang;
    html! {
        @if !next.is_empty() || !reader.get("page").is_empty() {
            nav.pager aria-label=(lang.t("翻页", "Pages")) {
                @if !reader.get("page").is_empty() { a href=(reader.with(&[("page", "")])) { (lang.t("回到第一页", "First page")) } }
                @if !next.is_empty() { a rel="next" href=(reader.with(&[("page", next)])) { (lang.t("下一页", "Next page")) } }
            }
        }
    }
}

/// The list as CSV, with the same search.
pub fn download(reader: &Reader, href: &str) -> Markup {
    let query = reader.with(&[("page", "")]);
    let query = query.split_once('?').map(|(_, query)| format!("?{query}")).unwrap_or_default();
    html! { p { a href={ (href) (query) } { (reader.lang.t("下载这个列表（CSV 表格）", "Download this list (CSV)")) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_runs_nothing_in_a_spreadsheet() {
        let row = ["=1+1", "a,b", "+86", "plain"].map(str::to_owned).to_vec();
        assert_eq!(String::from_utf8(lines(&[row])).unwrap(), "'=1+1,\"a,b\",'+86,plain\r\n");
    }
}
