//! Frequency caps (art. 17): how many planned visits an authority, and all together, may pay a subject of a credit class in a
//! calendar year. Data with legal basis and a first day, drafted by one person and published by another; the law leaves the
//! numbers open.
//!
//! [`rules`] say what a version may say and how it moves, [`reserve`] how a dispatch takes the year's visits: the table
//! `visit_use` is written by a trigger of `visit` alone, and its constraint `cap_not_exceeded` lets nobody beyond. A statement
//! leaves out whose visits are used up as `BUDGET_SPENT`; whoever loses the last one between statement and dispatch is
//! deferred for the same reason, and never drawn again.

pub mod api;
pub mod reserve;
pub mod rules;
pub mod store;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::caps_server::CapsServer;

/// The year's visits are used up (art. 17).
pub const BUDGET_SPENT: &str = "BUDGET_SPENT";

/// Joins of a subject `s` with what is used of the caps on a day; `counties` maps districts to the organisations that inspect there.
macro_rules! spent_joins {
    ($day:literal, $counties:literal) => {
        concat!(
            " left join cap_limits(",
            $day,
            ") own_cap on own_cap.authority = coalesce(",
            $counties,
            " ->> s.district, s.organisation)
              left join visit_use own_use on own_use.year = extract(year from ",
            $day,
            ") and own_use.authority = coalesce(",
            $counties,
            " ->> s.district, s.organisation) and own_use.subject = s.key
              left join cap_limits(",
            $day,
            ") city_cap on city_cap.authority = ''
              left join visit_use city_use on city_use.year = extract(year from ",
            $day,
            ") and city_use.authority = '' and city_use.subject = s.key "
        )
    };
}
pub(crate) use spent_joins;

/// Whether a subject `s` joined as [`spent_joins`] says has no visit left this year; null counts as no.
macro_rules! spent {
    () => {
        "(coalesce(own_use.used, 0) >= cap_of(own_cap.limits, s.credit_class)
            or coalesce(city_use.used, 0) >= cap_of(city_cap.limits, s.credit_class)) is true"
    };
}
pub(crate) use spent;

/// Adds the service of this noun.
pub(crate) fn add(part: Part, env: &Env, ledger: &Ledger) -> Part {
    part.with(CapsServer::new(api::Api::new(env, ledger)))
}
