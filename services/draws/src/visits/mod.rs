//! Visits (art. 15-17): one for every drawn subject that has a team, made when the draw is dispatched. For now a bare record
//! that waits for the head's approval.
//!
//! Art. 17 wants one planned visit a subject and calendar quarter. A visit counts for the quarter of its legal day of making, in
//! Kaifeng: that of the dispatch, whenever its draw was stated, so that `create_time` alone tells which quarter it takes. A
//! statement leaves out, as `VISITED_THIS_QUARTER`, who has a visit in the quarter of `stated_at`, made before it. Where the
//! quarter turns between statement and dispatch, whoever got a visit in the new one meanwhile is deferred.

pub mod api;
pub mod store;
mod totals;

/// Condition on a visit `v` that takes its quarter (art. 17). What stands beside it takes none: a visit with a published reason
/// for a second one, and a visit nobody may know of before its day (art. 18), for the public list of those left out of the next
/// draw would name the firm.
macro_rules! takes_its_quarter {
    () => {
        "v.second_visit_reason = ''"
    };
}
pub(crate) use takes_its_quarter;

use kit::{env::Env, ledger::Ledger, serve::Part};
use proto::qingtian::draws::v1::visits_server::VisitsServer;

/// Adds the services of this noun.
pub(crate) fn add(part: Part, _env: &Env, ledger: &Ledger) -> Part {
    part.with(VisitsServer::new(api::Api::new(ledger.clone())))
}
