//! Reading a bundle that anyone may have made: one gzip member, plain ustar, known names once each, and a bound on everything.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use super::{BLOCK, BUNDLE_BYTES_MAX, LINE_BYTES_MAX, bytes_max, checksum, damaged, gzip::Gunzip};

/// Zeros a reader accepts behind the archive: tar programs pad to blocking factors.
const PADDING_BYTES_MAX: u64 = 1 << 20;
/// Members a reader looks at; a bundle has eleven.
const MEMBERS_MAX: usize = 64;
/// Letters of a member's name that are said.
const NAME_SHOWN_MAX: usize = 80;

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
    let mut tar = Gunzip::new(input)?;
    if !read_members(&mut tar, &mut contents)? {
        return Ok(contents);
    }
    let behind = count_zeros(&mut tar)?;
    if behind != Behind::Zeros {
        contents.problems.push((None, "there is more behind the end of the archive".to_owned()));
    }
    if behind != Behind::TooMuch && tar.end()? {
        contents.problems.push((None, "something follows the compressed archive".to_owned()));
    }
    Ok(contents)
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
            if header == [0; BLOCK] {
                return Ok(true);
            }
            if member == 0 {
                return damaged("not a tar archive");
            }
            contents.problems.push((None, "the archive does not end with two empty blocks".to_owned()));
            return Ok(false);
        }
        if octal(&header[148..156]) != Some(checksum(&header)) {
            return damaged("not a tar archive: the checksum of a header does not fit");
        }
        let name = name_of(&header);
        let mut problem = |why: String| contents.problems.push((Some(shown(&name)), why));
        let Some(len) = octal(&header[124..136]) else {
            problem("its size is not written in octal".to_owned());
            return Ok(false);
        };
        let wrong = wrong_with(&name, &header, &mut seen);
        if let Some(why) = wrong {
            problem(why.to_owned());
        }
        total = total.saturating_add(len);
        if len > bytes_max(&name).unwrap_or(BUNDLE_BYTES_MAX) || total > BUNDLE_BYTES_MAX {
            problem(format!("is too large: {len} bytes"));
            return Ok(false);
        }
        if member >= MEMBERS_MAX {
            problem("is one member too many".to_owned());
            return Ok(false);
        }
        let mut bytes = Vec::new();
        if wrong.is_none() {
            let longest = if name.ends_with(".tsv") { LINE_BYTES_MAX } else { usize::MAX };
            if !read_lines(&mut tar.take(len), longest, &mut bytes)? {
                problem(format!("has a line of more than {LINE_BYTES_MAX} bytes"));
                return Ok(false);
            }
        } else {
            io::copy(&mut tar.take(len), &mut io::sink())?;
        }
        let mut padding = [0; BLOCK];
        let padding = &mut padding[..(BLOCK - (len % BLOCK as u64) as usize) % BLOCK];
        tar.read_exact(padding)?;
        if padding.iter().any(|&byte| byte != 0) {
            problem("is not padded with zeros".to_owned());
        }
        if wrong.is_none() {
            if bytes.len() as u64 != len {
                return damaged("the archive ends within a file");
            }
            contents.files.insert(name, bytes);
        }
    }
    Ok(true)
}

/// Why a member is refused.
fn wrong_with(name: &str, header: &[u8; BLOCK], seen: &mut BTreeSet<String>) -> Option<&'static str> {
    if !matches!(header[156], b'0' | 0) || header[157..257] != [0; 100] {
        Some("is not a plain file")
    } else if &header[257..265] != b"ustar\x0000" {
        Some("is not written as ustar")
    } else if bytes_max(name).is_none() {
        Some("does not belong into a bundle")
    } else if !seen.insert(name.to_owned()) {
        Some("stands in the archive twice")
    } else {
        None
    }
}

/// Reads to the end, in memory that grows with what has come, whatever the header promised; false at a line that is too long.
fn read_lines(from: &mut impl Read, longest: usize, into: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = vec![0; 1 << 16];
    let mut line = 0;
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return Ok(true);
        }
        let part = &buffer[..len];
        let first = part.iter().position(|&byte| byte == b'\n');
        if line + first.unwrap_or(len) > longest {
            return Ok(false);
        }
        line = match part.iter().rposition(|&byte| byte == b'\n') {
            Some(last) => len - last - 1,
            None => line + len,
        };
        into.extend_from_slice(part);
    }
}

/// What stands behind the end of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behind {
    Zeros,
    Something,
    /// More than is read.
    TooMuch,
}

fn count_zeros(from: &mut impl Read) -> io::Result<Behind> {
    let (mut read, mut zeros) = (0, true);
    let mut buffer = [0; 4096];
    loop {
        let len = from.read(&mut buffer)?;
        if len == 0 {
            return Ok(if zeros { Behind::Zeros } else { Behind::Something });
        }
        read += len as u64;
        zeros &= buffer[..len].iter().all(|&byte| byte == 0);
        if read > PADDING_BYTES_MAX {
            return Ok(Behind::TooMuch);
        }
    }
}

/// Prefix and name as a program that unpacks would join them; a folder's without its slash.
fn name_of(header: &[u8; BLOCK]) -> String {
    let until_nul = |field: &[u8]| {
        let end = field.iter().position(|&byte| byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let (name, prefix) = (until_nul(&header[..100]), until_nul(&header[345..500]));
    let joined = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
    if header[156] == b'5' { joined.trim_end_matches('/').to_owned() } else { joined }
}

/// A name as it may be printed: cut, and without what a terminal would obey.
fn shown(name: &str) -> String {
    let obeyed =
        |letter: char| letter.is_control() || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let clean = |letter: char| if obeyed(letter) { '\u{fffd}' } else { letter };
    if name.chars().count() > NAME_SHOWN_MAX {
        name.chars().take(NAME_SHOWN_MAX - 3).map(clean).chain("...".chars()).collect()
    } else {
        name.chars().map(clean).collect()
    }
}

/// Octal digits, blanks before them and blanks or NULs behind.
fn octal(field: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(field).ok()?.trim_start_matches(' ').trim_end_matches([' ', '\0']);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    plain.then(|| u64::from_str_radix(digits, 8).ok()).flatten()
}
