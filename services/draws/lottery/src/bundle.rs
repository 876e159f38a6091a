//! The evidence bundle (art. 15): one gzipped ustar archive of plain files, the same bytes from the same draw.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read, Write},
};

use flate2::{Compression, GzBuilder, bufread::MultiGzDecoder, write::GzEncoder};

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
pub const JSON_BYTES_MAX: u64 = 32 << 20;
/// A reader refuses a larger `.tsv` file, in bytes: twice what 10,000,000 subjects take with salts.
pub const TABLE_BYTES_MAX: u64 = 1_500_000_000;
/// A reader refuses a larger bundle, in bytes of its files together.
pub const BUNDLE_BYTES_MAX: u64 = 3_000_000_000;

const BLOCK: usize = 512;
/// Zeros a reader accepts behind the archive: tar programs pad to blocking factors.
const PADDING_BYTES_MAX: u64 = 1 << 20;
/// Members a reader looks at; a bundle has eleven.
const MEMBERS_MAX: usize = 64;

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

/// What a bundle was found to hold.
#[derive(Debug, Clone, Default)]
pub struct Contents {
    /// Known files, each as it stood first in the archive.
    pub files: BTreeMap<String, Vec<u8>>,
    /// What is wrong with the archive, with the name of the member where it is one's.
    pub problems: Vec<(Option<String>, String)>,
}

/// Reads a bundle within bounds. An error means it is no gzipped tar archive, or a damaged one.
pub fn read(input: impl Read) -> io::Result<Contents> {
    let mut contents = Contents::default();
    // All members of the gzip file (RFC 1952), so that nothing hides in a second one.
    let mut tar = MultiGzDecoder::new(io::BufReader::with_capacity(1 << 16, input));
    if read_members(&mut tar, &mut contents)? {
        let behind = count_zeros(&mut tar)?;
        if behind.is_none_or(|zeros| zeros > PADDING_BYTES_MAX) {
            contents.problems.push((None, "there is more behind the end of the archive".to_owned()));
        }
    }
    Ok(contents)
}

fn damaged<T>(why: &str) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, why))
}

/// False if reading was given up, with the reason among the problems.
fn read_members(tar: &mut impl Read, contents: &mut Contents) -> io::Result<bool> {
    let mut seen = BTreeSet::new();
    let mut total = 0_u64;
    for member in 0.. {
        let mut header = [0; BLOCK];
        tar.read_exact(&mut header)?;
        if header == [0; BLOCK] {
            tar.read_exact(&mut header)?;
            if member == 0 && header != [0; BLOCK] {
                return damaged("not a tar archive");
            }
            if header != [0; BLOCK] {
                contents.problems.push((None, "the archive does not end with two empty blocks".to_owned()));
                return Ok(false);
            }
            return Ok(true);
        }
        if octal(&header[148..156]) != Some(checksum(&header)) {
            return damaged("not a tar archive: the checksum of a header does not fit");
        }
        let name = name_of(&header);
        let mut problem = |why: String| contents.problems.push((Some(name.clone()), why));
        let Some(len) = octal(&header[124..136]) else {
            problem("its size is not written in octal".to_owned());
            return Ok(false);
        };
        let ustar = &header[257..263] == b"ustar\0";
        let plain = matches!(header[156], b'0' | 0) && header[157..257] == [0; 100];
        let known = FILES.contains(&name.as_str());
        let max = if name.ends_with(".json") { JSON_BYTES_MAX } else { TABLE_BYTES_MAX };
        let mut wanted = false;
        if !plain {
            problem("is not a plain file".to_owned());
        } else if !ustar {
            problem("is not written as ustar".to_owned());
        } else if !known {
            problem("does not belong into a bundle".to_owned());
        } else if !seen.insert(name.clone()) {
            problem("stands in the archive twice".to_owned());
        } else {
            wanted = true;
        }
        total = total.saturating_add(len);
        if len > max || total > BUNDLE_BYTES_MAX {
            problem(format!("is too large: {len} bytes"));
            return Ok(false);
        }
        if member >= MEMBERS_MAX {
            problem("is one member too many".to_owned());
            return Ok(false);
        }
        let padded = len.next_multiple_of(BLOCK as u64);
        if wanted {
            let mut bytes = Vec::new();
            tar.take(len).read_to_end(&mut bytes)?;
            let padding = count_zeros(&mut tar.take(padded - len))?;
            if bytes.len() as u64 != len || padding.is_some_and(|zeros| zeros != padded - len) {
                return damaged("the archive ends within a file");
            }
            if padding.is_none() {
                contents.problems.push((Some(name.clone()), "is not padded with zeros".to_owned()));
            }
            contents.files.insert(name, bytes);
        } else if io::copy(&mut tar.take(padded), &mut io::sink())? != padded {
            return damaged("the archive ends within a file");
        }
    }
    Ok(true)
}

/// Reads to the end; none if there is anything but zeros.
fn count_zeros(from: &mut impl Read) -> io::Result<Option<u64>> {
    let (mut zeros, mut all) = (0, true);
    let mut buffer = [0; 4096];
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return Ok(all.then_some(zeros));
        }
        zeros += len as u64;
        all &= buffer[..len].iter().all(|&byte| byte == 0);
        if zeros > PADDING_BYTES_MAX {
            return Ok(None);
        }
    }
}

/// Prefix and name as a program that unpacks would join them.
fn name_of(header: &[u8; BLOCK]) -> String {
    let until_nul = |field: &[u8]| {
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    let joined = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    joined.trim_end_matches('/').to_owned() // a folder's name
}

/// Octal digits with spaces or NULs around them.
fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?.trim_matches([' ', '\0']);
    let digits = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    digits.then(|| u64::from_str_radix(text, 8).ok()).flatten()
}
