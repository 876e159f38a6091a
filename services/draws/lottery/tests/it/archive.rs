//! A bundle is eleven plain files and nothing else (art. 15): what is hidden in or behind the archive is refused by name.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use lottery::{bundle::FILES, verify::Verdict};

use crate::tampering::{Files, draw, expect, failing, recheck};

fn tar(members: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, kind, bytes) in members {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
        header[156] = *kind;
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(header);
        tar.extend(*bytes);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// The bundle's own members and more, ended as an archive is.
fn archive(files: &Files, more: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let own: Vec<(&str, u8, &[u8])> = FILES.iter().map(|file| (*file, b'0', files[*file].as_slice())).collect();
    let mut bytes = tar(&own);
    bytes.extend(tar(more));
    bytes.extend([0; 1024]);
    bytes
}

#[test]
fn unknown_repeated_and_linked_members_are_refused() {
    let files = draw().files;
    assert_eq!(recheck(&gzip(&archive(&files, &[]))).verdict, Verdict::Verified);
    for (member, named) in [
        (("extra.txt", b'0', &b"x"[..]), "archive extra.txt"),
        (("../rules.json", b'0', b"x"), "archive ../rules.json"),
        (("./rules.json", b'0', b"x"), "archive ./rules.json"),
        (("rules.json", b'0', b"x"), "archive rules.json"),
        (("rules.json", b'0', files["rules.json"].as_slice()), "archive rules.json"),
        (("link", b'2', b""), "archive link"),
        (("hard", b'1', b""), "archive hard"),
        (("folder/", b'5', b""), "archive folder"),
        (("pax", b'x', b"20 path=rules.json\n"), "archive pax"),
        (("long", b'L', b"rules.json\0"), "archive long"),
        (("result.tsv", b'2', b""), "archive result.tsv"),
    ] {
        expect(&recheck(&gzip(&archive(&files, &[member]))), &[named]);
    }
}

#[test]
fn what_is_hidden_behind_the_archive_is_refused() {
    let files = draw().files;
    let mut behind = archive(&files, &[]);
    behind.extend([0; 9216]);
    assert_eq!(recheck(&gzip(&behind)).verdict, Verdict::Verified, "tar programs pad with zeros");
    behind.push(1);
    expect(&recheck(&gzip(&behind)), &["archive"]);

    let plain = archive(&files, &[]);
    let own = gzip(&plain);
    for more in [&b"x"[..], &[0; 512], &gzip(b"x"), &gzip(b""), &own] {
        expect(&recheck(&[&own[..], more].concat()), &["archive"]);
    }
    // RFC 1952 lets a gzip file have several members; a bundle has one, and browsers read no second.
    let parts = [gzip(&plain[..700]), gzip(&plain[700..])].concat();
    assert_eq!(recheck(&parts).verdict, Verdict::Unreadable);
}

#[test]
fn names_are_shown_without_what_a_terminal_obeys() {
    let mut bytes = archive(&draw().files, &[("\u{1b}[2J\u{202e}gnp", b'0', b"")]);
    expect(&recheck(&gzip(&bytes)), &["archive \u{fffd}[2J\u{fffd}gnp"]);
    bytes.truncate(0);
    let long = "x".repeat(100);
    bytes.extend(archive(&draw().files, &[(&long, b'0', b"")]));
    expect(&recheck(&gzip(&bytes)), &[&format!("archive {}...", "x".repeat(77))]);
}

#[test]
fn what_is_too_large_is_refused_without_being_read() {
    let mut header = tar(&[("rules.json", b'0', b"")]);
    header[124..135].copy_from_slice(b"77777777777");
    header[148..156].fill(b' ');
    let sum: u32 = header[..512].iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let report = recheck(&gzip(&header));
    expect(&report, &["archive rules.json"]);
    let many: Vec<(&str, u8, &[u8])> = vec![("x", b'0', b""); 100];
    expect(&recheck(&gzip(&tar(&many))), &["archive x"]);
}

#[test]
fn what_is_no_archive_is_unreadable() {
    let good = draw().bundle().unwrap();
    let mut flipped = good.clone();
    let last = flipped.len() - 5;
    flipped[last] ^= 1; // the checksum of the gzip stream
    for bad in
        [&b""[..], b"x", &gzip(b""), &gzip(&[b'x'; 2048]), &good[..good.len() / 2], &good[..good.len() - 1], &flipped]
    {
        let report = recheck(bad);
        assert_eq!(report.verdict, Verdict::Unreadable, "{:#}", report.to_json());
        assert_eq!((report.verdict.exit_status(), failing(&report)), (2, vec!["archive".to_owned()]));
    }
}
