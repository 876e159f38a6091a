//! The evidence bundle (art. 15): one gzipped ustar archive of plain files, the same bytes from the same draw.

mod gzip;
mod reading;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
};

use flate2::{Compression, GzBuilder, write::GzEncoder};

pub use self::reading::{Contents, read};
use crate::{
    frozen::{EXCLUSIONS, EXPERTS, LEFT_OUT, OFFICERS, RULES, SUBJECTS},
    reveal::{DRAW, RESULT, STRATA},
    sign::SIGNATURES,
    statement::STATEMENT,
};

/// The files of a bundle, in the order in which they are written.
pub const FILES: [&str; 11] =
    [STATEMENT, SUBJECTS, LEFT_OUT, OFFICERS, EXPERTS, EXCLUSIONS, RULES, DRAW, STRATA, RESULT, SIGNATURES];

/// A reader refuses a larger `.json` file, in bytes.
pub const JSON_BYTES_MAX: u64 = 4 << 20;
/// A reader refuses a larger `.tsv` file, in bytes: twice what 10,000,000 subjects take with salts.
pub const TABLE_BYTES_MAX: u64 = 1_500_000_000;
/// A reader refuses a larger `officers.tsv` or `experts.tsv`, in bytes: half a million people.
pub const PEOPLE_BYTES_MAX: u64 = 32 << 20;
/// A reader refuses a larger `exclusions.tsv`, in bytes: a million pairs.
pub const EXCLUSIONS_BYTES_MAX: u64 = 64 << 20;
/// A reader refuses a larger `strata.tsv`, in bytes.
pub const STRATA_BYTES_MAX: u64 = 16 << 20;
/// A reader refuses a larger bundle, in bytes of its files together.
pub const BUNDLE_BYTES_MAX: u64 = 3_000_000_000;
/// A reader refuses a table with a longer line, in bytes.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// The most bytes a file of a bundle may have; none for a file that does not belong into one.
#[must_use]
pub fn bytes_max(file: &str) -> Option<u64> {
    match file {
        STATEMENT | RULES | DRAW | SIGNATURES => Some(JSON_BYTES_MAX),
        SUBJECTS | LEFT_OUT | RESULT => Some(TABLE_BYTES_MAX),
        OFFICERS | EXPERTS => Some(PEOPLE_BYTES_MAX),
        EXCLUSIONS => Some(EXCLUSIONS_BYTES_MAX),
        STRATA => Some(STRATA_BYTES_MAX),
        _ => None,
    }
}

const BLOCK: usize = 512;
/// Writes a bundle, file after file, to anything that takes bytes.
pub struct Writer<W: Write> {
    gzip: GzEncoder<W>,
    written: BTreeSet<String>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        // No name and no time in the header: the same draw gives the same bytes.
        Self {
            gzip: GzBuilder::new().mtime(0).operating_system(255).write(out, Compression::new(6)),
            written: BTreeSet::new(),
        }
    }

    /// Adds a file that is in memory.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.add_from(name, bytes.len() as u64, bytes)
    }

    /// Adds a file of exactly `len` bytes as it is read. Refuses unknown and repeated names.
    pub fn add_from(&mut self, name: &str, len: u64, from: impl Read) -> io::Result<()> {
        let refuse = |why: String| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        if !FILES.contains(&name) {
            return refuse(format!("{name} does not belong into a bundle"));
        }
        if !self.written.insert(name.to_owned()) {
            return refuse(format!("{name} is already in the bundle"));
        }
        self.gzip.write_all(&header(name, len))?;
        let copied = io::copy(&mut from.take(len), &mut self.gzip)?;
        if copied != len {
            return refuse(format!("{name} has {copied} bytes, not {len}"));
        }
        let padding = (BLOCK as u64 - len % BLOCK as u64) % BLOCK as u64;
        io::copy(&mut io::repeat(0).take(padding), &mut self.gzip)?;
        Ok(())
    }

    /// Ends the archive and hands the output back.
    pub fn finish(mut self) -> io::Result<W> {
        self.gzip.write_all(&[0; 2 * BLOCK])?;
        self.gzip.finish()
    }
}

/// Writes a whole bundle: each of the files that is there, in the order of [`FILES`].
pub fn write<W: Write>(out: W, files: &BTreeMap<String, Vec<u8>>) -> io::Result<W> {
    let mut writer = Writer::new(out);
    for name in FILES {
        if let Some(bytes) = files.get(name) {
            writer.add(name, bytes)?;
        }
    }
    writer.finish()
}

/// The ustar header of a plain file: mode 0644, nobody's, of no time.
fn header(name: &str, len: u64) -> [u8; BLOCK] {
    let mut header = [0; BLOCK];
    header[..name.len()].copy_from_slice(name.as_bytes()); // names of bundles are short
    header[100..107].copy_from_slice(b"0000644");
    header[108..115].copy_from_slice(b"0000000");
    header[116..123].copy_from_slice(b"0000000");
    header[124..135].copy_from_slice(format!("{len:011o}").as_bytes()[..11].as_ref());
    header[136..147].copy_from_slice(b"00000000000");
    header[156] = b'0';
    header[257..263].copy_from_slice(b"ustar\0");
    header[263..265].copy_from_slice(b"00");
    let sum = checksum(&header);
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn checksum(header: &[u8; BLOCK]) -> u64 {
    header.iter().enumerate().map(|(at, &byte)| if (148..156).contains(&at) { 32 } else { u64::from(byte) }).sum()
}

fn damaged<T>(why: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}
