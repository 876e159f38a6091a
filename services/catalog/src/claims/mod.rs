//! Items from above (art. 6, 41): handed down to departments, claimed within a period or declined, which the coordinator rules on.

mod api;
mod rules;
mod store;

pub use api::Api;

/// Kind of the clock that runs until an item is claimed.
const CLOCK: &str = "item_claim";
