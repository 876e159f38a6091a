//! Sorted lists: the fields a caller may sort by (AIP-132), and pages that stay right under each of them (AIP-158).
//!
//! A page token says after which values the page begins, not how many rows to skip: rows that come or go elsewhere neither
//! repeat nor lose one. Every order ends in a key that no two rows share.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value as Json;
use sqlx::{Postgres, QueryBuilder, postgres::PgArguments, query::QueryAs};

use crate::{
    error::{Reason, Refusal, Result},
    pages,
};

/// How a value is read from a row.
#[derive(Debug)]
enum Of<R> {
    Text(fn(&R) -> String),
    Number(fn(&R) -> i64),
    Day(fn(&R) -> NaiveDate),
    Moment(fn(&R) -> DateTime<Utc>),
}

/// One column of an order: what the database compares, and the same read from a row. Neither may be null.
#[derive(Debug)]
pub struct Key<R: 'static> {
    sql: &'static str,
    of: Of<R>,
    opposite: bool,
}

impl<R: 'static> Key<R> {
    /// A text; `sql` names its collation where the column has none of its own.
    pub const fn text(sql: &'static str, of: fn(&R) -> String) -> Self {
        Self { sql, of: Of::Text(of), opposite: false }
    }

    /// A whole number.
    pub const fn number(sql: &'static str, of: fn(&R) -> i64) -> Self {
        Self { sql, of: Of::Number(of), opposite: false }
    }

    /// A day.
    pub const fn day(sql: &'static str, of: fn(&R) -> NaiveDate) -> Self {
        Self { sql, of: Of::Day(of), opposite: false }
    }

    /// An instant, to the microsecond.
    pub const fn moment(sql: &'static str, of: fn(&R) -> DateTime<Utc>) -> Self {
        Self { sql, of: Of::Moment(of), opposite: false }
    }

    /// Runs against the way of its order.
    #[must_use]
    pub const fn opposite(self) -> Self {
        Self { sql: self.sql, of: self.of, opposite: true }
    }

    fn of(&self, row: &R) -> Value {
        match self.of {
            Of::Text(of) => Value::Text(of(row)),
            Of::Number(of) => Value::Number(of(row)),
            Of::Day(of) => Value::Day(of(row)),
            Of::Moment(of) => Value::Moment(of(row)),
        }
    }

    /// What a token says; none when it is no value of this key.
    fn parse(&self, told: &Json) -> Option<Value> {
        match self.of {
            // PostgreSQL's text holds no NUL.
            Of::Text(_) => told.as_str().filter(|text| !text.contains('\0')).map(|text| Value::Text(text.to_owned())),
            Of::Number(_) => told.as_i64().map(Value::Number),
            Of::Day(_) => told.as_str()?.parse().ok().map(Value::Day),
            Of::Moment(_) => DateTime::from_timestamp_micros(told.as_i64()?).map(Value::Moment),
        }
    }
}

/// Where a row stands by one key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    Number(i64),
    Day(NaiveDate),
    Moment(DateTime<Utc>),
}

impl Value {
    fn json(&self) -> Json {
        match self {
            Self::Text(text) => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Day(day) => day.to_string().into(),
            Self::Moment(moment) => moment.timestamp_micros().into(),
        }
    }
}

/// A field a list can be sorted by. The last of its keys makes each row's place its own.
#[derive(Debug)]
pub struct Field<R: 'static> {
    /// As `order_by` names it.
    pub name: &'static str,
    /// From the first to be compared to the last.
    pub keys: &'static [Key<R>],
}

/// All orders of a list.
#[derive(Debug)]
pub struct Orders<R: 'static> {
    /// What it can be sorted by.
    pub fields: &'static [Field<R>],
    /// `order_by` of those who name none.
    pub default: &'static str,
}

impl<R: 'static> Orders<R> {
    /// The page asked for: `order_by` is a field's name, with ` desc` the greatest first.
    ///
    /// # Errors
    /// `INVALID` for an unknown order or a wrong size, `PAGE_TOKEN` for a token that is not of this order.
    pub fn page(&self, order_by: &str, page_token: &str, page_size: i32) -> Result<Page<R>> {
        let rows = pages::rows(page_size)?;
        let asked = if order_by.trim().is_empty() { self.default } else { order_by.trim() };
        let (name, descending) = match asked.strip_suffix(" desc") {
            Some(name) => (name, true),
            None => (asked, false),
        };
        let field = self.fields.iter().find(|field| field.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.fields.iter().map(|field| field.name).collect();
            Refusal::invalid("order_by", format!("{} [desc]", names.join(" | ")))
        })?;
        let mut page = Page { field, descending, after: None, rows };
        page.after = pages::after(page_token)?
            .map(|told| page.placed(&told).ok_or_else(|| Refusal::new(Reason::PageToken)))
            .transpose()?;
        Ok(page)
    }
}

/// One page of a sorted list.
#[derive(Debug)]
pub struct Page<R: 'static> {
    field: &'static Field<R>,
    descending: bool,
    after: Option<Vec<Value>>,
    rows: i64,
}

/// Text of a query, or the number of a value in [`Page::values`].
enum Piece {
    Sql(&'static str),
    Bound(usize),
}

impl<R: 'static> Page<R> {
    /// Whether it is the first.
    pub fn is_first(&self) -> bool {
        self.after.is_none()
    }

    /// Ends a query after its conditions: where the page begins, the order, and one row more than it holds.
    pub fn push(&self, query: &mut QueryBuilder<Postgres>) {
        let values = self.values();
        for piece in self.pieces() {
            match piece {
                Piece::Sql(sql) => query.push(sql),
                Piece::Bound(at) => match &values[at] {
                    Value::Text(text) => query.push_bind(text.clone()),
                    Value::Number(number) => query.push_bind(*number),
                    Value::Day(day) => query.push_bind(*day),
                    Value::Moment(moment) => query.push_bind(*moment),
                },
            };
        }
    }

    /// The same as text whose first parameter has the number `first`; [`Self::bind`] gives the values.
    pub fn sql(&self, first: usize) -> String {
        let write = |piece| match piece {
            Piece::Sql(sql) => sql.to_owned(),
            Piece::Bound(at) => format!("${}", first + at),
        };
        self.pieces().into_iter().map(write).collect()
    }

    /// Gives the values of [`Self::sql`] to a query, after those of its conditions.
    pub fn bind<'q, O>(&self, query: QueryAs<'q, Postgres, O, PgArguments>) -> QueryAs<'q, Postgres, O, PgArguments> {
        self.values().into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
            Value::Day(day) => query.bind(day),
            Value::Moment(moment) => query.bind(moment),
        })
    }

    /// Cuts the one row too many, and makes the token of the next page; empty when there is none.
    pub fn cut(&self, rows: &mut Vec<R>) -> String {
        pages::cut(rows, self.rows, |row| self.place(row))
    }

    /// Where the page after this row begins.
    fn place(&self, row: &R) -> String {
        let mut place = vec![Json::from(self.name())];
        place.extend(self.field.keys.iter().map(|key| key.of(row).json()));
        Json::from(place).to_string()
    }

    fn name(&self) -> String {
        format!("{}{}", self.field.name, if self.descending { " desc" } else { "" })
    }

    /// The values of a place; none when it is no place of this order.
    fn placed(&self, told: &str) -> Option<Vec<Value>> {
        let told: Vec<Json> = serde_json::from_str(told).ok()?;
        let (name, values) = told.split_first()?;
        if name.as_str() != Some(&self.name()) || values.len() != self.field.keys.len() {
            return None;
        }
        self.field.keys.iter().zip(values).map(|(key, value)| key.parse(value)).collect()
    }

    /// Where the page begins, then how many rows are fetched.
    fn values(&self) -> Vec<Value> {
        let mut values = self.after.clone().unwrap_or_default();
        values.push(Value::Number(self.rows + 1));
        values
    }

    fn falls(&self, key: &Key<R>) -> bool {
        self.descending != key.opposite
    }

    fn pieces(&self) -> Vec<Piece> {
        use Piece::{Bound, Sql};
        let keys = self.field.keys;
        let mut pieces = Vec::new();
        if self.after.is_some() {
            // Rows equal in the keys before and beyond in one: for one way throughout PostgreSQL follows an index from there.
            let alike = keys.windows(2).all(|two| two[0].opposite == two[1].opposite);
            let beyond = |key: &Key<R>| Sql(if self.falls(key) { " < " } else { " > " });
            if alike {
                pieces.push(Sql(" and ("));
                for (at, key) in keys.iter().enumerate() {
                    pieces.extend([Sql(if at == 0 { "" } else { ", " }), Sql(key.sql)]);
                }
                pieces.extend([Sql(")"), beyond(&keys[0]), Sql("(")]);
                for at in 0..keys.len() {
                    pieces.extend([Sql(if at == 0 { "" } else { ", " }), Bound(at)]);
                }
                pieces.push(Sql(")"));
            } else {
                pieces.push(Sql(" and (false"));
                for (at, key) in keys.iter().enumerate() {
                    pieces.push(Sql(" or (true"));
                    for (before, equal) in keys[..at].iter().enumerate() {
                        pieces.extend([Sql(" and "), Sql(equal.sql), Sql(" = "), Bound(before)]);
                    }
                    pieces.extend([Sql(" and "), Sql(key.sql), beyond(key), Bound(at), Sql(")")]);
                }
                pieces.push(Sql(")"));
            }
        }
        for (at, key) in keys.iter().enumerate() {
            pieces.extend([Sql(if at == 0 { " order by " } else { ", " }), Sql(key.sql)]);
            pieces.push(Sql(if self.falls(key) { " desc" } else { "" }));
        }
        pieces.extend([Sql(" limit "), Bound(self.after.as_ref().map_or(0, Vec::len))]);
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Row {
        name: &'static str,
        number: i64,
    }

    const NAME: Key<Row> = Key::text("name", |row| row.name.to_owned());
    const NUMBER: Key<Row> = Key::number("number", |row| row.number);
    const ORDERS: Orders<Row> = Orders {
        fields: &[
            Field { name: "number", keys: &[NUMBER] },
            Field { name: "name", keys: &[NAME, NUMBER] },
            Field { name: "newest", keys: &[NAME, NUMBER.opposite()] },
        ],
        default: "number desc",
    };

    #[test]
    fn a_page_goes_on_after_the_values_of_the_last_row() {
        let first = ORDERS.page("name desc", "", 1).unwrap();
        assert_eq!(first.sql(3), " order by name desc, number desc limit $3");
        let mut rows = vec![Row { name: "甲", number: 2 }, Row { name: "乙", number: 1 }];
        let token = first.cut(&mut rows);
        let next = ORDERS.page("name desc", &token, 1).unwrap();
        assert_eq!(next.sql(3), " and (name, number) < ($3, $4) order by name desc, number desc limit $5");
        assert_eq!(next.values(), [Value::Text("甲".into()), Value::Number(2), Value::Number(2)]);
        assert_eq!(next.cut(&mut rows), "", "one row was left");
    }

    #[test]
    fn keys_that_run_against_each_other_are_compared_one_by_one() {
        let first = ORDERS.page("newest desc", "", 1).unwrap();
        let token = first.cut(&mut vec![Row { name: "甲", number: 2 }, Row { name: "甲", number: 3 }]);
        assert_eq!(
            ORDERS.page("newest desc", &token, 1).unwrap().sql(1),
            " and (false or (true and name < $1) or (true and name = $1 and number > $2)) order by name desc, number limit $3"
        );
    }

    #[test]
    fn an_order_that_is_not_offered_and_a_token_of_another_are_refused() {
        assert_eq!(ORDERS.page("", "", 0).unwrap().sql(1), " order by number desc limit $1");
        for wrong in ["code", "number asc", "number  desc", "number desc desc", "number;drop", "Number"] {
            assert_eq!(ORDERS.page(wrong, "", 0).unwrap_err().reason(), Reason::Invalid, "{wrong}");
        }
        let of_another = ORDERS.page("name", "", 1).unwrap().place(&Row { name: "甲", number: 1 });
        for wrong in
            [of_another.as_str(), "x", "[]", r#"["number desc"]"#, r#"["number desc","1"]"#, r#"["number desc",1,2]"#]
        {
            let refused = ORDERS.page("", &pages::token(wrong), 0).unwrap_err();
            assert_eq!(refused.reason(), Reason::PageToken, "{wrong}");
        }
        let nul = pages::token("[\"name\",\"\\u0000\",1]");
        assert_eq!(ORDERS.page("name", &nul, 0).unwrap_err().reason(), Reason::PageToken);
    }
}
