//! Looking through a register of a million subjects (art. 13): every filter and order is written out for the one question, so
//! that the database plans it with the values it is asked for, and a list counts no further than its bound.

use chrono::{DateTime, Utc};
use kit::{
    error::{Reason, Refusal, Result},
    pages,
};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{
    life::Life,
    store::{SELECT, SubjectRow},
};

/// How far lists count what matches.
pub const COUNT_MAX: i64 = 100_001;

/// Which subjects are asked for. What is empty asks for all; several values of one field mean any of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// `organisations/{organisation}`.
    pub organisation: String,
    /// Beginning of the key, or part of the title.
    pub query: String,
    /// Districts.
    pub districts: Vec<String>,
    /// Beginning of the industry's code.
    pub industry: String,
    /// Credit classes; `""` is unclassified.
    pub classes: Vec<String>,
    /// Statuses of life.
    pub lives: Vec<Life>,
}

/// By what a list is sorted; the key decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum By {
    /// Key, in the order of bytes.
    #[default]
    Key,
    /// Registered name, in the order of bytes.
    Title,
    /// When it changed last.
    ChangeTime,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// By what.
    pub by: By,
    /// Whether the greatest comes first.
    pub descending: bool,
}

impl Order {
    /// Parses `key`, `title` or `change_time`, each with ` desc` or without (AIP-132).
    ///
    /// # Errors
    /// `INVALID`.
    pub fn parse(text: &str) -> Result<Self> {
        let (field, descending) = match text.trim().split_once(' ') {
            Some((field, "desc")) => (field, true),
            None => (text.trim(), false),
            Some(_) => return Err(wrong_order()),
        };
        let by = match field {
            "" | "key" => By::Key,
            "title" => By::Title,
            "change_time" => By::ChangeTime,
            _ => return Err(wrong_order()),
        };
        Ok(Self { by, descending })
    }

    /// Where the page after this row begins.
    pub fn place(self, row: &SubjectRow) -> String {
        match self.by {
            By::Key => row.key.clone(),
            By::Title => place(&row.title, &row.key),
            By::ChangeTime => place(&row.changed_at.timestamp_micros().to_string(), &row.key),
        }
    }
}

fn wrong_order() -> Refusal {
    Refusal::invalid("order_by", "key, title, change_time (desc)")
}

fn place(value: &str, key: &str) -> String {
    serde_json::json!([value, key]).to_string()
}

fn placed(text: &str) -> Result<(String, String)> {
    serde_json::from_str(text).map_err(|_| Refusal::new(Reason::PageToken))
}

fn moment(micros: &str) -> Result<DateTime<Utc>> {
    let micros = micros.parse().ok().and_then(DateTime::from_timestamp_micros);
    micros.ok_or_else(|| Refusal::new(Reason::PageToken))
}

/// The next subjects in an order, at most `rows`.
///
/// # Errors
/// `PAGE_TOKEN` when `after` is no place in this order; the database fails.
pub async fn subjects(
    conn: &mut PgConnection,
    filter: &Filter,
    order: Order,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<SubjectRow>> {
    let mut sql = QueryBuilder::new(SELECT);
    sql.push(" where ");
    matches(&mut sql, filter);
    let (than, way) = if order.descending { (" < ", " desc") } else { (" > ", "") };
    if let Some(after) = after {
        match order.by {
            By::Key => sql.push(" and key").push(than).push_bind(after.to_owned()),
            By::Title => {
                let (title, key) = placed(after)?;
                sql.push(" and (title collate \"C\", key)").push(than);
                sql.push("(").push_bind(title).push(" collate \"C\", ").push_bind(key).push(")")
            }
            By::ChangeTime => {
                let (micros, key) = placed(after)?;
                sql.push(" and (changed_at, key)").push(than);
                sql.push("(").push_bind(moment(&micros)?).push(", ").push_bind(key).push(")")
            }
        };
    }
    match order.by {
        By::Key => sql.push(" order by key").push(way),
        By::Title => sql.push(" order by title collate \"C\"").push(way).push(", key").push(way),
        By::ChangeTime => sql.push(" order by changed_at").push(way).push(", key").push(way),
    };
    sql.push(" limit ").push_bind(rows);
    Ok(sql.build_query_as().persistent(false).fetch_all(conn).await?)
}

/// How many subjects match, counted up to `max`.
///
/// # Errors
/// The database fails.
pub async fn count(conn: &mut PgConnection, filter: &Filter, max: i64) -> Result<i64> {
    let mut sql = QueryBuilder::new("select count(*) from (select from subject where ");
    matches(&mut sql, filter);
    sql.push(" limit ").push_bind(max).push(") found");
    Ok(sql.build_query_scalar().persistent(false).fetch_one(conn).await?)
}

/// Writes a filter's conditions.
pub fn matches(sql: &mut QueryBuilder<Postgres>, filter: &Filter) {
    sql.push("organisation = ").push_bind(filter.organisation.clone());
    if !filter.query.is_empty() {
        // Only what has letters has capitals to overlook, and looking for them costs three times as much.
        let like = if filter.query.bytes().any(|byte| byte.is_ascii_alphabetic()) { " ilike " } else { " like " };
        sql.push(" and (title").push(like).push_bind(pages::like(&filter.query));
        if filter.query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":/._-".contains(&byte)) {
            // Every key that begins so lies between the beginning and the beginning followed by the last character.
            sql.push(" or (key >= ").push_bind(filter.query.clone());
            sql.push(" and key < ").push_bind(format!("{}\u{7f}", filter.query)).push(")");
        }
        sql.push(")");
    }
    if !filter.districts.is_empty() {
        sql.push(" and district = any(").push_bind(filter.districts.clone()).push(")");
    }
    if !filter.industry.is_empty() {
        sql.push(" and starts_with(industry, ").push_bind(filter.industry.clone()).push(")");
    }
    if !filter.classes.is_empty() {
        sql.push(" and credit_class = any(").push_bind(filter.classes.clone()).push(")");
    }
    if !filter.lives.is_empty() {
        let gone: Vec<&str> = filter.lives.iter().filter(|life| !life.in_business()).map(|life| life.gone()).collect();
        let gone: Vec<String> = gone.into_iter().map(str::to_owned).collect();
        sql.push(" and (").push(if filter.lives.contains(&Life::InBusiness) { "in_business" } else { "false" });
        sql.push(" or (not in_business and gone = any(").push_bind(gone).push(")))");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_known_field_with_its_way() {
        for (text, by, descending) in [
            ("", By::Key, false),
            ("key desc", By::Key, true),
            ("title", By::Title, false),
            ("change_time desc", By::ChangeTime, true),
        ] {
            assert_eq!(Order::parse(text).unwrap(), Order { by, descending }, "{text}");
        }
        for wrong in ["name", "key asc", "title  desc", "key desc desc", "key;drop"] {
            assert_eq!(Order::parse(wrong).unwrap_err().reason(), Reason::Invalid, "{wrong}");
        }
        assert_eq!(placed("x").unwrap_err().reason(), Reason::PageToken);
        assert_eq!(placed(&place("甲", "k")).unwrap(), ("甲".into(), "k".into()));
        assert_eq!(moment("x").unwrap_err().reason(), Reason::PageToken);
    }
}
