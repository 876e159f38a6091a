//! The binary: one process or many is a question of which parts it is told to serve; nothing in a part branches on it.

pub mod audit;
pub mod bench;
pub mod certificate;
pub mod demo;
pub mod fleet;
pub mod followers;
pub mod migrate;
pub mod operator;
pub mod settings;
pub mod up;
pub mod verify;
