//! Bundles that somebody hostile hands in: a right one changed in its archive, its compression or its files, and bombs. The same dice
//! give the same bundle.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use flate2::{Compress, Compression, FlushCompress, write::GzEncoder};

use super::Dice;
use crate::bundle::FILES;

const BLOCK: usize = 512;

/// A member of an archive as it stands in the bytes.
#[derive(Debug, Clone)]
struct Member {
    header: [u8; BLOCK],
    body: Vec<u8>,
    /// Between the body and the next header.
    padding: Vec<u8>,
}

impl Member {
    fn plain(name: &str, body: &[u8]) -> Self {
        let mut member = Self { header: [0; BLOCK], body: body.to_vec(), padding: Vec::new() };
        member.put(100, b"0000644\x000000000\x000000000\x00");
        member.put(136, b"00000000000\x00");
        member.put(156, b"0");
        member.put(257, b"ustar\x0000");
        member.name(name.as_bytes());
        member.size(body.len() as u64);
        member.padding = vec![0; body.len().next_multiple_of(BLOCK) - body.len()];
        member
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.header[at..at + bytes.len()].copy_from_slice(bytes);
        self.sum();
    }

    fn name(&mut self, name: &[u8]) {
        self.header[..100].fill(0);
        self.put(0, &name[..name.len().min(100)]);
    }

    fn size(&mut self, size: u64) {
        self.put(124, format!("{size:011o}\0").as_bytes());
    }

    fn sum(&mut self) {
        self.header[148..156].fill(b' ');
        let sum: u32 = self.header.iter().map(|&byte| u32::from(byte)).sum();
        self.header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}

/// Types of members that are no plain files: links, devices, folders, pipes, PAX, GNU and Solaris extensions, sparse files.
const TYPES: &[u8] = b"1234567xgXLKSMNVDA\x01\xff ";
const NAMES: [&[u8]; 16] = [
    b"../rules.json",
    b"/etc/passwd",
    b"./rules.json",
    b"RULES.JSON",
    b"rules.json/",
    b"sub/rules.json",
    b"rules.json\0hidden",
    b"rules.json ",
    b"",
    b"\xff\xfe.json",
    b"\x1b[2Jgone",
    b"\xe2\x80\xaegnp.json",
    b"C:\\rules.json",
    b"\xe8\xa7\x84\xe5\x88\x99.json",
    b"rules..json",
    b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
];
const SIZES: [&[u8; 12]; 10] = [
    b"77777777777\0",
    b"777777777777",
    b"00000000000\0",
    b"\x80\0\0\0\0\0\0\0\0\0\x10\0",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b"           \0",
    b"\0\0\0\0\0\0\0\0\0\0\0\0",
    b"-0000000001\0",
    b"0000000009 \0",
    b"      17 \0\0\0",
];

/// What is done, and how.
type Change<T> = (&'static str, fn(&mut T, &mut Dice));

/// What is done to the archive before it is compressed.
const TO_MEMBERS: [Change<Vec<Member>>; 17] = [
    ("a member of another type", |all, dice| {
        let at = dice.below(all.len());
        all[at].put(156, &[TYPES[dice.below(TYPES.len())]]);
    }),
    ("an extra member of another type", |all, dice| {
        let mut member = Member::plain(FILES[dice.below(FILES.len())], b"30 path=../../etc/passwd\n");
        member.put(156, &[TYPES[dice.below(TYPES.len())]]);
        member.put(157, b"/etc/passwd");
        all.insert(dice.below(all.len() + 1), member);
    }),
    ("a plain member with the target of a link", |all, dice| {
        let at = dice.below(all.len());
        all[at].put(157, b"/etc/passwd");
    }),
    ("a member of another name", |all, dice| {
        let at = dice.below(all.len());
        all[at].name(NAMES[dice.below(NAMES.len())]);
    }),
    ("an extra member of another name", |all, dice| {
        let mut member = Member::plain("", b"x\n");
        member.name(NAMES[dice.below(NAMES.len())]);
        all.insert(dice.below(all.len() + 1), member);
    }),
    ("a prefix", |all, dice| {
        let at = dice.below(all.len());
        all[at].put(345, [&b".."[..], b"/", b"sub"][dice.below(3)]);
    }),
    ("a member twice", |all, dice| {
        let mut member = all[dice.below(all.len())].clone();
        if dice.one_in(2) && !member.body.is_empty() {
            let at = dice.below(member.body.len());
            member.body[at] ^= 1;
        }
        all.insert(dice.below(all.len() + 1), member);
    }),
    ("a size in another form", |all, dice| {
        let at = dice.below(all.len());
        all[at].put(124, SIZES[dice.below(SIZES.len())]);
    }),
    ("a size that is off", |all, dice| {
        let at = dice.below(all.len());
        let off = [1, 2, 511, 512, 513, 5120, 1 << 20, 1 << 30][dice.below(8)];
        let size = all[at].body.len() as u64;
        all[at].size(if dice.one_in(2) { size + off } else { size.saturating_sub(off) });
    }),
    ("no ustar", |all, dice| {
        let at = dice.below(all.len());
        all[at].put(257, [b"ustar  \0", b"\0\0\0\0\0\0\0\0", b"ustar\x0001"][dice.below(3)]);
    }),
    ("a wrong sum", |all, dice| {
        let at = dice.below(all.len());
        all[at].header[148 + dice.below(6)] ^= 1;
    }),
    ("a member less", |all, dice| {
        all.remove(dice.below(all.len()));
    }),
    ("members in another order", |all, dice| {
        let (one, other) = (dice.below(all.len()), dice.below(all.len()));
        all.swap(one, other);
    }),
    ("a hundred members", |all, dice| {
        let member = all[dice.below(all.len())].clone();
        all.extend(vec![member; 100]);
    }),
    ("something in the padding", |all, dice| {
        let at = dice.below(all.len());
        if let Some(byte) = all[at].padding.last_mut() {
            *byte = 1;
        }
    }),
    ("a header changed, its sum right", |all, dice| {
        let at = dice.below(all.len());
        let (byte, bit) = (dice.below(BLOCK), 1 << dice.below(8));
        all[at].header[byte] ^= bit;
        all[at].sum();
    }),
    ("a file changed", |all, dice| {
        let at = dice.below(all.len());
        let body = change(&all[at].body, dice);
        let mut member = Member::plain("", &body);
        member.header[..100].copy_from_slice(&all[at].header[..100]);
        member.sum();
        all[at] = member;
    }),
];

/// What is done to the archive's bytes.
const TO_TAR: [Change<Vec<u8>>; 6] = [
    ("the archive cut short", |tar, dice| tar.truncate(dice.below(tar.len()))),
    ("one empty block at its end, or none", |tar, dice| tar.truncate(tar.len() - BLOCK * (1 + dice.below(2)))),
    ("more behind its end", |tar, dice| {
        let more = dice.below(20_000);
        tar.extend(std::iter::repeat_n(0, more));
        tar.extend(dice.bytes::<7>());
    }),
    ("more zeros behind its end than are read", |tar, _| tar.extend(std::iter::repeat_n(0, (1 << 20) + (1 << 15)))),
    ("zeros behind its end", |tar, dice| {
        let more = dice.below(20_000);
        tar.extend(std::iter::repeat_n(0, more));
    }),
    ("the archive changed", |tar, dice| *tar = change(tar, dice)),
];

/// What is done to the compressed bundle.
const TO_GZIP: [Change<Vec<u8>>; 8] = [
    ("the bundle cut short", |gz, dice| gz.truncate(dice.below(gz.len()))),
    ("a bit of it flipped", |gz, dice| {
        let (at, bit) = (dice.below(gz.len()), 1 << dice.below(8));
        gz[at] ^= bit;
    }),
    ("a second gzip member", |gz, dice| {
        let second = if dice.one_in(2) { gz.clone() } else { squeezed(&dice.bytes::<32>(), 6) };
        gz.extend(second);
    }),
    ("something behind it", |gz, dice| {
        let more = 1 + dice.below(600);
        let byte = dice.bytes::<1>()[0];
        gz.extend(std::iter::repeat_n(if dice.one_in(2) { 0 } else { byte }, more));
    }),
    ("other gzip flags", |gz, dice| gz[3] = dice.bytes::<1>()[0]),
    ("another sum or size", |gz, dice| {
        let at = gz.len() - 1 - dice.below(8);
        gz[at] ^= 1 << dice.below(8);
    }),
    ("compressed twice", |gz, _| *gz = squeezed(gz, 6)),
    ("the compressed bytes changed", |gz, dice| *gz = change(gz, dice)),
];

/// A bundle of these files with something done to it, and what.
pub fn bundle(files: &BTreeMap<String, Vec<u8>>, dice: &mut Dice) -> (&'static str, Vec<u8>) {
    let mut members: Vec<Member> =
        FILES.iter().filter_map(|file| Some(Member::plain(file, files.get(*file)?))).collect();
    let (members_n, tar_n) = (TO_MEMBERS.len(), TO_TAR.len());
    let which = dice.below(members_n + tar_n + TO_GZIP.len());
    let mut what = "";
    if let Some((name, change)) = TO_MEMBERS.get(which) {
        what = *name;
        change(&mut members, dice);
    }
    let mut tar: Vec<u8> = members.iter().flat_map(|one| [&one.header[..], &one.body, &one.padding].concat()).collect();
    tar.extend([0; 2 * BLOCK]);
    if let Some((name, change)) = which.checked_sub(members_n).and_then(|at| TO_TAR.get(at)) {
        what = *name;
        change(&mut tar, dice);
    }
    let mut gzip = squeezed(&tar, dice.below(7));
    if let Some((name, change)) = which.checked_sub(members_n + tar_n).and_then(|at| TO_GZIP.get(at)) {
        what = *name;
        change(&mut gzip, dice);
    }
    (what, gzip)
}

/// Bytes with one to three small changes: bits, bytes, lines and pieces, changed, taken out, put in or put elsewhere.
#[must_use]
pub fn change(bytes: &[u8], dice: &mut Dice) -> Vec<u8> {
    const TOKENS: [&[u8]; 22] = [
        b"\t",
        b"\n",
        b"\r\n",
        b",",
        b"\"",
        b"{",
        b"[",
        b"null",
        b"0",
        b"-1",
        b"1e9",
        b"18446744073709551616",
        b"\\u0000",
        b"\\ud800",
        b"\xff",
        b"\xed\xa0\x80",
        b"\0",
        b" ",
        b"\xe4\xbc\x81",
        b"-",
        b"__proto__",
        b"}",
    ];
    let mut out = bytes.to_vec();
    for _ in 0..1 + dice.below(3) {
        let at = dice.below(out.len() + 1);
        let to = at + dice.below((out.len() - at).min(40) + 1);
        match dice.below(8) {
            0 if at < out.len() => out[at] ^= 1 << dice.below(8),
            1 if at < out.len() => out[at] = dice.bytes::<1>()[0],
            2 => drop(out.drain(at..to)),
            3 => out.truncate(at),
            4 => drop(out.splice(at..at, TOKENS[dice.below(TOKENS.len())].iter().copied())),
            5 => drop(out.splice(at..to, TOKENS[dice.below(TOKENS.len())].iter().copied())),
            6 => {
                let piece = out[at..to].to_vec();
                let place = dice.below(out.len() + 1);
                out.splice(place..place, piece);
            }
            _ => {
                let mut lines: Vec<&[u8]> = out.split_inclusive(|&byte| byte == b'\n').collect();
                if lines.len() > 1 {
                    let (one, other) = (dice.below(lines.len()), dice.below(lines.len()));
                    if dice.one_in(2) { lines.swap(one, other) } else { lines[one] = lines[other] }
                }
                out = lines.concat();
            }
        }
    }
    out
}

fn squeezed(bytes: &[u8], level: usize) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::new(level as u32));
    // Writing into memory does not fail.
    gzip.write_all(bytes).and_then(|()| gzip.finish()).unwrap_or_default()
}

/// Bundles of a few megabytes that come to gigabytes, with what they are. Their sums are wrong: nobody should get so far.
pub fn bombs() -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    const GB: u64 = 1_000_000_000;
    let header = |name: &str, size: u64| {
        let mut member = Member::plain(name, b"");
        member.size(size);
        member.header.to_vec()
    };
    let other_type = |kind: u8| {
        let mut member = Member::plain("subjects.tsv", b"");
        member.size(GB);
        member.put(156, &[kind]);
        member.header.to_vec()
    };
    [
        ("4 GB of zeros", Vec::new(), &b"\0"[..], 4 * GB),
        ("subjects.tsv of a gigabyte of zeros", header("subjects.tsv", GB), b"\0", 2 * GB),
        ("one line of 1.4 GB in subjects.tsv", header("subjects.tsv", 1_400_000_000), b"a", 2 * GB),
        ("one line of 2 GB in result.tsv", header("result.tsv", 2 * GB), b"a", 2 * GB),
        ("one line of 1.4 GB in result.tsv", header("result.tsv", 1_400_000_000), b",", 2 * GB),
        ("a gigabyte of empty lines", header("left_out.tsv", GB), b"\n", 2 * GB),
        ("a gigabyte of the same line", header("left_out.tsv", GB), b"a\tb\n", 2 * GB),
        ("rules.json of 2 GB of brackets", header("rules.json", 2 * GB), b"[", 2 * GB),
        ("rules.json of 4 MB of brackets", header("rules.json", 4 << 20), b"[", GB),
        ("rules.json of 4 MB of zeros parted by commas", header("rules.json", 4 << 20), b"0,", GB),
        ("a gigabyte in a file that does not belong there", header("notes.txt", GB), b"\0", 2 * GB),
        ("a gigabyte in a link", other_type(b'2'), b"\0", 2 * GB),
        ("a gigabyte in an extended header", other_type(b'x'), b"\0", 2 * GB),
        ("a gigabyte in a GNU name", other_type(b'L'), b"a", 2 * GB),
        ("a gigabyte in a sparse file", other_type(b'S'), b"\0", 2 * GB),
        ("gigabytes behind the end of an archive", vec![0; 2 * BLOCK], b"\x01", 4 * GB),
    ]
    .into_iter()
    .map(|(what, start, unit, len)| Ok((what, bomb(&start, unit, len)?)))
    .collect()
}

/// A gzip file of `start`, then `unit` over and over, at least `len` bytes: what a megabyte of it compresses to is written again and again,
/// since each looks back on the same.
fn bomb(start: &[u8], unit: &[u8], len: u64) -> io::Result<Vec<u8>> {
    const PIECE: usize = 1 << 20;
    let mut deflate = Compress::new(Compression::best(), false);
    let mut squeeze = |bytes: &[u8]| -> io::Result<Vec<u8>> {
        let mut out = Vec::with_capacity(bytes.len() + BLOCK);
        deflate.compress_vec(bytes, &mut out, FlushCompress::Sync)?;
        Ok(out)
    };
    let piece = unit.repeat(PIECE / unit.len());
    let mut all = vec![31, 139, 8, 0, 0, 0, 0, 0, 0, 255];
    all.extend(squeeze(start)?);
    all.extend(squeeze(&piece)?);
    let again = squeeze(&piece)?;
    for _ in 0..len / PIECE as u64 + 1 {
        all.extend_from_slice(&again);
    }
    Ok(all)
}
