//! The contract: every message, rpc, route, right, refusal and event, compiled. Nothing about an endpoint is written a second time.

#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used, clippy::panic, rustdoc::all)]

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

include!(concat!(env!("OUT_DIR"), "/contract.rs"));

/// The encoded `FileDescriptorSet` of the whole contract, with custom options and comments.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The whole contract for reflection.
pub static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    // The bytes were encoded by this crate's own build script, so they decode.
    DescriptorPool::decode(DESCRIPTORS).expect("embedded descriptors decode")
});
