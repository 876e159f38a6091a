//! The whole fleet under test: real processes, real servers, JSON through the gateway as people and programs speak it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod city;
pub mod manifests;
pub mod process;
pub mod web;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// Whatever has not come by then hangs. How fast things are is printed, never demanded: no test may know its machine.
pub const HANG: Duration = Duration::from_secs(300);

/// The repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Whether this is `make prove`, where counts are larger and a machine at rest is promised.
pub fn proving() -> bool {
    std::env::var_os("QINGTIAN_PROVE").is_some()
}

/// A file of the real data, unless there is none here: then says so, visibly.
pub fn data(file: &str) -> Option<PathBuf> {
    let path = std::env::var_os("QINGTIAN_DATA").map(|folder| PathBuf::from(folder).join(file));
    match path {
        Some(path) if path.exists() => Some(path),
        _ => {
            println!("SKIPPED the part over real data: QINGTIAN_DATA holds no {file}");
            None
        }
    }
}

/// Folder for what a test leaves for people to look at (screenshots, bundles).
pub fn output(name: &str) -> PathBuf {
    let folder = root().join("target").join("test-output").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
