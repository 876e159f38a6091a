//! The years' official calendars (art. 18, 31): who asks on which day a deadline ends, entering a year's calendar from the notice
//! of the State Council, a second person who puts it in force, and corrections as new versions. [`rules`] tells what a file must
//! hold and what may happen to a version; the parts that run deadlines follow `CalendarImported`.

mod api;
mod jobs;
mod rules;
mod store;

pub use api::{Api, Clocks};
pub use jobs::enter_built_in;
