//! The verifiable draw (art. 10, 11, 15, 16): protocol v1, whole, as pure functions.
//!
//! A draw goes through four calls:
//!
//! 1. [`statement::state`] takes the frozen files ([`frozen::Table`] writes them, [`rules::Rules`] the rules) and a
//!    secret, and returns the statement that is signed and published.
//! 2. [`rules::Rules::entry`] checks what each contributor gives.
//! 3. [`reveal::reveal`] takes the same files, the secret and the entries, and returns everything drawn.
//! 4. [`bundle::Writer`] packs the evidence, and [`verify::verify`] rechecks it the way a stranger would.
//!
//! [`sorted::Index`] finds one firm's line and its proof in a frozen file; [`own_line::OwnLine`] is what the firm takes home.
//! Afterwards [`recusal::Log`] replaces who must not, or cannot, go: nobody chooses by whom.
//!
//! Nothing here reads a clock, a generator, a file or a network: times, randomness and bytes are handed in. Work is
//! spread over the rayon pool it is called in.

pub mod beacon;
pub mod bundle;
pub mod entries;
pub mod error;
pub mod frozen;
pub mod hash;
pub mod json;
pub mod merkle;
pub mod names;
pub mod own_line;
pub mod recusal;
pub mod reveal;
pub mod rules;
pub mod select;
pub mod sign;
pub mod sorted;
pub mod statement;
pub mod teams;
pub mod testing;
pub mod verify;

pub use error::{Error, Result};
pub use hash::{Digest, Secret};
pub use names::Time;
