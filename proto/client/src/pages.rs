//! Lists page by page (AIP-158).

use std::collections::VecDeque;

use tonic::Status;

use crate::{Authorised, Error, Qingtian};

/// Rows of a list, asked for page by page as they are taken.
#[derive(Debug)]
pub struct Pages<'a, T, F> {
    qingtian: &'a Qingtian,
    page: F,
    rows: VecDeque<T>,
    /// Token of the next page; none after the last one.
    next: Option<String>,
}

impl<'a, T, F> Pages<'a, T, F>
where
    F: AsyncFn(Authorised, String) -> Result<(Vec<T>, String), Status>,
{
    pub(crate) fn new(qingtian: &'a Qingtian, page: F) -> Self {
        Self { qingtian, page, rows: VecDeque::new(), next: Some(String::new()) }
    }

    /// The next row; none after the last.
    ///
    /// # Errors
    /// As the service refuses the page. Asked again, it goes on with that page: no row is lost or doubled.
    pub async fn next(&mut self) -> Result<Option<T>, Error> {
        // A page in the middle may be empty; the token alone says that it was the last one.
        while self.rows.is_empty() {
            let Some(token) = &self.next else { return Ok(None) };
            let page = &self.page;
            let (rows, next) = self.qingtian.call(async |channel| page(channel, token.clone()).await).await?;
            self.rows = rows.into();
            self.next = Some(next).filter(|token| !token.is_empty());
        }
        Ok(self.rows.pop_front())
    }

    /// All rows that are left, `rows_max` at the most; the rest stays to be taken.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub async fn take(&mut self, rows_max: usize) -> Result<Vec<T>, Error> {
        let mut taken = Vec::new();
        while taken.len() < rows_max {
            let Some(row) = self.next().await? else { break };
            taken.push(row);
        }
        Ok(taken)
    }
}
