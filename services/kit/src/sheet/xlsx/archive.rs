//! The archive around a workbook, read with nothing believed: what its directory announces is bounded before memory is taken
//! for it, every member is measured while it is unpacked, and what does not fit its checksum is no part of a file. A file that
//! was cut has no directory and is refused before anything of it is read.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufReader, Read},
    os::unix::fs::FileExt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::{Crc, bufread::DeflateDecoder};

use super::{Error, Fault};

/// Members of one archive; a workbook with hundreds of pictures has fewer.
const MEMBERS_MAX: u64 = 4_096;
const DIRECTORY_BYTES_MAX: u64 = 4 << 20;
/// Bytes unpacked from one archive in all, however often a member is read.
const UNPACKED_BYTES_MAX: u64 = 6 << 30;
/// What is squeezed more than this is a bomb: tables of identical rows come to 40. Looked at from some size on.
const RATIO_MAX: u64 = 200;
const RATIO_FROM: u64 = 16 << 20;

const END_BYTES: u64 = 22;
const COMMENT_BYTES_MAX: u64 = 0xffff;
const STORED: u16 = 0;
const DEFLATED: u16 = 8;

pub(super) struct Archive {
    file: Arc<File>,
    members: HashMap<String, Member>,
    /// Bytes that may still be unpacked.
    left: Arc<AtomicU64>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    header_at: u64,
    packed: u64,
    unpacked: u64,
    crc: u32,
    method: u16,
    locked: bool,
}

/// Where the directory stands.
struct Directory {
    members: u64,
    at: u64,
    bytes: u64,
    /// Where it has to end.
    end: u64,
}

fn broken(why: &'static str) -> Error {
    Fault::Broken(why).into()
}

fn excessive(why: &'static str) -> Error {
    Fault::Excessive(why).into()
}

impl Archive {
    /// Reads the directory.
    ///
    /// # Errors
    /// The archive is cut, damaged, too large or locked.
    pub(super) fn open(file: File) -> Result<Self, Error> {
        let directory = find_directory(&file)?;
        if directory.members > MEMBERS_MAX || directory.bytes > DIRECTORY_BYTES_MAX {
            return Err(excessive("too many members"));
        }
        if directory.at.checked_add(directory.bytes) != Some(directory.end) {
            return Err(broken("its directory is not where it should be"));
        }
        let bytes = exactly(&file, directory.at, directory.bytes)?;
        let mut rest = &bytes[..];
        let mut members = HashMap::new();
        for _ in 0..directory.members {
            let (name, member) = take_member(&mut rest)?;
            if members.insert(name, member).is_some() {
                return Err(broken("a member stands twice in its directory"));
            }
        }
        if members.values().any(|member| member.locked) {
            return Err(Fault::Locked.into());
        }
        Ok(Self { file: Arc::new(file), members, left: Arc::new(AtomicU64::new(UNPACKED_BYTES_MAX)) })
    }

    /// Names of the members, in lower case as names of parts do not differ by case.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.keys().map(String::as_str)
    }

    /// Opens a member, none when it is not there.
    ///
    /// # Errors
    /// It is larger than `bytes_max`, or not where the directory says.
    pub(super) fn member(&self, name: &str, bytes_max: u64) -> Result<Option<Unpacked>, Error> {
        let Some(member) = self.members.get(&name.to_lowercase()).copied() else { return Ok(None) };
        if member.unpacked > bytes_max {
            return Err(excessive("a part is too large"));
        }
        let header = exactly(&self.file, member.header_at, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(broken("a member is not where the directory says"));
        }
        let start = member.header_at + 30 + u64::from(u16_at(&header, 26)) + u64::from(u16_at(&header, 28));
        let packed = Slice { file: self.file.clone(), at: start, left: member.packed };
        let source = match member.method {
            STORED => Source::Stored(packed),
            DEFLATED => Source::Deflated(Box::new(DeflateDecoder::new(BufReader::with_capacity(64 << 10, packed)))),
            _ => return Err(broken("a member is packed in a way no spreadsheet uses")),
        };
        Ok(Some(Unpacked { source, member, read: 0, crc: Crc::new(), left: self.left.clone() }))
    }

    /// Unpacks a member to its end, so that its rows are read only when all of them are there.
    ///
    /// # Errors
    /// It is damaged or too large.
    pub(super) fn check(&self, name: &str, bytes_max: u64) -> Result<(), Error> {
        if let Some(mut member) = self.member(name, bytes_max)? {
            let mut block = vec![0; 64 << 10];
            while member.read(&mut block).map_err(Error::from_reading)? > 0 {}
        }
        Ok(())
    }
}

/// Finds the directory by the record at the very end of the file.
fn find_directory(file: &File) -> Result<Directory, Error> {
    let length = file.metadata().map_err(Error::Io)?.len();
    let tail_at = length.saturating_sub(END_BYTES + COMMENT_BYTES_MAX);
    let tail = exactly(file, tail_at, length - tail_at)?;
    let ends = |at: &usize| {
        let record = &tail[*at..];
        record.starts_with(b"PK\x05\x06") && usize::from(u16_at(record, 20)) + END_BYTES as usize == record.len()
    };
    let Some(last) = tail.len().checked_sub(END_BYTES as usize) else { return Err(broken("it is cut")) };
    let Some(at) = (0..=last).rev().find(ends) else { return Err(broken("it has no directory, so it is cut")) };
    let record = &tail[at..];
    let end = tail_at + at as u64;
    let (members, bytes, start) = (u16_at(record, 10), u32_at(record, 12), u32_at(record, 16));
    if members == u16::MAX || bytes == u32::MAX || start == u32::MAX {
        return find_large_directory(file, end);
    }
    if [u16_at(record, 4), u16_at(record, 6)] != [0, 0] || u16_at(record, 8) != members {
        return Err(broken("it is one of several volumes"));
    }
    Ok(Directory { members: members.into(), at: start.into(), bytes: bytes.into(), end })
}

/// The same for the format with 64 bits, whose record stands before the usual one.
fn find_large_directory(file: &File, end: u64) -> Result<Directory, Error> {
    let Some(locator_at) = end.checked_sub(20) else { return Err(broken("it has no directory, so it is cut")) };
    let locator = exactly(file, locator_at, 20)?;
    let record_at = u64_at(&locator, 8);
    if !locator.starts_with(b"PK\x06\x07") || record_at >= locator_at {
        return Err(broken("it has no directory, so it is cut"));
    }
    let record = exactly(file, record_at, 56)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(broken("it has no directory, so it is cut"));
    }
    let directory =
        Directory { members: u64_at(&record, 32), bytes: u64_at(&record, 40), at: u64_at(&record, 48), end: record_at };
    Ok(directory)
}

/// Takes the next member off the directory.
fn take_member(rest: &mut &[u8]) -> Result<(String, Member), Error> {
    let cut = || broken("its directory is cut");
    let (fixed, after) = rest.split_at_checked(46).ok_or_else(cut)?;
    if !fixed.starts_with(b"PK\x01\x02") {
        return Err(broken("its directory is damaged"));
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| usize::from(u16_at(fixed, at)));
    let (name, after) = after.split_at_checked(name).ok_or_else(cut)?;
    let (extra, after) = after.split_at_checked(extra).ok_or_else(cut)?;
    let (_, after) = after.split_at_checked(comment).ok_or_else(cut)?;
    *rest = after;
    let mut member = Member {
        header_at: u32_at(fixed, 42).into(),
        packed: u32_at(fixed, 20).into(),
        unpacked: u32_at(fixed, 24).into(),
        crc: u32_at(fixed, 16),
        method: u16_at(fixed, 10),
        locked: u16_at(fixed, 8) & 1 == 1,
    };
    widen(&mut member, extra)?;
    // Names of parts are ASCII; others name nothing that is read here.
    let name = String::from_utf8_lossy(name).replace('\\', "/").to_lowercase();
    Ok((name.trim_start_matches('/').to_owned(), member))
}

/// Replaces what does not fit 32 bits by what stands in the extra field for it.
fn widen(member: &mut Member, mut extra: &[u8]) -> Result<(), Error> {
    let narrow = u64::from(u32::MAX);
    while let Some((head, after)) = extra.split_at_checked(4) {
        let length = usize::from(u16_at(head, 2));
        let Some((mut body, after)) = after.split_at_checked(length) else { return Ok(()) };
        if u16_at(head, 0) == 1 {
            for wide in [&mut member.unpacked, &mut member.packed, &mut member.header_at] {
                if *wide == narrow {
                    let (value, after) = body.split_at_checked(8).ok_or_else(|| broken("its directory is cut"))?;
                    *wide = u64_at(value, 0);
                    body = after;
                }
            }
        }
        extra = after;
    }
    Ok(())
}

fn exactly(file: &File, at: u64, length: u64) -> Result<Vec<u8>, Error> {
    // At most the directory's edge.
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    match file.read_exact_at(&mut bytes, at) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(broken("it is cut")),
        Err(error) => Err(Error::Io(error)),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// A part of the file, read without moving anybody else's place in it.
struct Slice {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Read for Slice {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let length = to.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let read = self.file.read_at(&mut to[..length], self.at)?;
        self.at = self.at.saturating_add(read as u64);
        self.left -= read as u64;
        Ok(read)
    }
}

enum Source {
    Stored(Slice),
    Deflated(Box<DeflateDecoder<BufReader<Slice>>>),
}

/// A member being unpacked. It ends only when it has the length and the checksum of the directory.
pub(super) struct Unpacked {
    source: Source,
    member: Member,
    read: u64,
    crc: Crc,
    left: Arc<AtomicU64>,
}

impl Unpacked {
    fn measure(&self, more: u64) -> Result<(), Fault> {
        if more == 0 {
            let whole = self.read == self.member.unpacked && self.crc.sum() == self.member.crc;
            return if whole { Ok(()) } else { Err(Fault::Broken("a member does not fit its checksum")) };
        }
        if self.read > self.member.unpacked {
            return Err(Fault::Broken("a member is longer than it says"));
        }
        if self.read > RATIO_FROM && self.read / RATIO_MAX > self.member.packed {
            return Err(Fault::Excessive("a part is squeezed too much"));
        }
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(more));
        taken.map(drop).map_err(|_| Fault::Excessive("too much to unpack"))
    }
}

impl Read for Unpacked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if to.is_empty() {
            return Ok(0);
        }
        let read = match &mut self.source {
            Source::Stored(source) => source.read(to),
            Source::Deflated(source) => source.read(to),
        };
        let read = read.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
                io::Error::other(Fault::Broken("a member cannot be unpacked"))
            }
            _ => error,
        })?;
        self.read += read as u64;
        self.crc.update(&to[..read]);
        self.measure(read as u64).map_err(io::Error::other)?;
        Ok(read)
    }
}
