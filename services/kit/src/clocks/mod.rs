//! Deadlines every part runs (art. 18, 31, 35, 42).
//!
//! A clock starts in the transaction of its cause and belongs to an aggregate of that part, such as an item to be claimed:
//!
//! ```ignore
//! let claim = New {
//!     aggregate: &item.name, kind: "item_claim", organisation: &item.organisation, unit: "", responsible: "",
//!     days: 20, day_kind: DayKind::Working, setting: "item_claim_days/1",
//! };
//! clocks::start(&mut tx, &claim).await?;              // the day of the act is the day of the event
//! clocks::end(&mut tx, &item.name, "item_claim").await?;
//! ```
//!
//! [`pause`], [`resume`] and [`extend`] are acts of their own with a legal basis; nothing else moves a deadline, which the
//! database refuses too. A part that runs clocks spawns [`spawn`] once: it announces 70, 90 and 100 % once each, counts
//! provisional deadlines anew when the year's calendar came, and hands over what somebody answered for who leaves: its follower of
//! identity calls [`note_handover`]. [`Clock::state`] tells how one stands, [`list`] answers
//! `ListClocks`. Each function announces `ClockChanged` in the caller's transaction; the caller commits.

mod handover;
mod job;
mod rules;
mod store;

pub use handover::{forget_handovers, note_handover};
pub use job::{look, spawn};
pub use rules::{Act, Clock, DayKind, Light, New, State};
pub use store::{assign, calendar, end, extend, find, keep_year, list, pause, resume, start};
