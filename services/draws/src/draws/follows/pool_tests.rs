use std::{cell::Cell, rc::Rc};

use lottery::rules::{Experts, PROTOCOL, Withheld};

use super::*;

const NOBODY: &[u8] = b"";

fn rules(withheld: bool) -> Rules {
    Rules {
        beacon_waived: None,
        cover_district: false,
        entropy: Vec::new(),
        experts: Experts::default(),
        plan: "plans/2026-01".to_owned(),
        protocol: PROTOCOL.to_owned(),
        publish_after: None,
        quotas: BTreeMap::new(),
        teams: Vec::new(),
        withheld: withheld.then(|| Withheld { basis: "law".to_owned(), files: vec![SUBJECTS.to_owned()] }),
    }
}

/// The pool and the names kept.
fn written<S: BufRead, L: BufRead>(scope: Scope<S, L>, names: &str, withheld: bool) -> anyhow::Result<(Pool, String)> {
    let mut kept = Vec::new();
    let manner = Manner::of(&rules(withheld), ["b".to_owned(), "c".to_owned(), "x".to_owned()]);
    let pool = write(scope, names.as_bytes(), &manner, &mut kept)?;
    Ok((pool, String::from_utf8(kept)?))
}

const NAMES: &str = "a\t甲\naa\t乙\nb\t丙\nc\t丁\nd\t戊\n";

#[test]
fn the_earlier_pool_is_divided_into_those_left_and_those_left_out() {
    let subjects = &b"a\t410202\t410202\nb\t410202\t410202\nc\t410203\t410203\n"[..];
    // Somebody outside the pool is no matter, and of two reasons the first counts.
    let out = &b"0\tREVOKED\nb\tDRAWN_BEFORE\nb\tREVOKED\nbb\tREVOKED\n"[..];
    let (pool, kept) = written(Scope::EarlierPool { subjects, out }, NAMES, false).unwrap();
    assert_eq!(pool.subjects, b"a\t410202\t410202\nc\t410203\t410203\n");
    assert_eq!(pool.left_out, b"b\tDRAWN_BEFORE\n");
    assert_eq!(pool.strata(), BTreeMap::from([("410202".to_owned(), 1), ("410203".to_owned(), 1)]));
    assert_eq!(pool.counts["410203"], BTreeMap::from([("410203".to_owned(), 1)]));
    assert_eq!(pool.found, BTreeMap::from([("c".to_owned(), "410203".to_owned())]), "of those asked about, and in it");
    assert_eq!(kept, "a\t甲\nb\t丙\nc\t丁\n", "of everybody in scope");

    let salted = &b"a\tA\t410202\t00112233445566778899aabbccddeeff\n"[..];
    let (pool, _) = written(Scope::EarlierPool { subjects: salted, out: NOBODY }, NAMES, true).unwrap();
    assert_eq!(pool.counts["A"], BTreeMap::from([("410202".to_owned(), 1)]));
    assert_eq!(pool.subjects.len(), salted.len());
    assert_ne!(pool.subjects, salted, "no salt is used twice");
}

#[test]
fn the_drawn_are_divided_into_those_who_want_a_team_and_the_others() {
    let drawn = &b"a\tall\t410202\tHAS_TEAM\nb\tall\t410202\t\nd\tall\t410203\t\n"[..];
    let (pool, kept) = written(Scope::<&[u8], _>::Drawn(drawn), NAMES, false).unwrap();
    assert_eq!(
        (pool.subjects.as_slice(), pool.left_out.as_slice()),
        (&b"b\tall\t410202\nd\tall\t410203\n"[..], &b"a\tHAS_TEAM\n"[..])
    );
    assert_eq!(pool.counts["all"], BTreeMap::from([("410202".to_owned(), 1), ("410203".to_owned(), 1)]));
    assert_eq!(kept, "a\t甲\nb\t丙\nd\t戊\n");
    assert!(written(Scope::<&[u8], _>::Drawn(&b"a\tall\n"[..]), NAMES, false).is_err());
    let short = Scope::EarlierPool { subjects: &b"a\n"[..], out: NOBODY };
    assert!(written(short, NAMES, false).is_err());
    let unsaid = Scope::EarlierPool { subjects: &b"a\tA\tB\n"[..], out: &b"a\n"[..] };
    assert!(written(unsaid, NAMES, false).is_err());
}

#[tokio::test]
async fn lines_come_through_the_queue_whole() {
    let (mut lines, mut pieces) = lines();
    let taken = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        pieces.read_to_string(&mut text).unwrap();
        text
    });
    let mut expected = String::new();
    for n in 0..50_000 {
        let key = format!("91410202MA{n:07}");
        expected.push_str(&format!("{key}\tREVOKED\n"));
        lines.push(&[&key, "REVOKED"]).await;
    }
    lines.finish().await;
    assert!(taken.await.unwrap() == expected);
    // Whoever reads no more holds up nobody.
    let (mut lines, pieces) = super::lines();
    drop(pieces);
    for _ in 0..50_000 {
        lines.push(&["91410202MA0000001", "REVOKED"]).await;
    }
    lines.finish().await;
}

/// Lines made as they are read; counts the bytes read.
struct Made<F> {
    line: F,
    next: u32,
    rest: Vec<u8>,
    read: Rc<Cell<usize>>,
}

/// As many as a middling register.
const SUBJECTS_N: u32 = 500_000;

fn made<F: Fn(u32) -> String>(line: F) -> (BufReader<Made<F>>, Rc<Cell<usize>>) {
    let read = Rc::new(Cell::new(0));
    (BufReader::new(Made { line, next: 0, rest: Vec::new(), read: read.clone() }), read)
}

impl<F: Fn(u32) -> String> Read for Made<F> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.rest.len() < bytes.len() && self.next < SUBJECTS_N {
            self.rest.extend_from_slice((self.line)(self.next).as_bytes());
            self.next += 1;
        }
        let length = self.rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        self.read.set(self.read.get() + length);
        Ok(length)
    }
}

/// Keeps nothing, and notes how far reading was ahead of it at the most.
struct Followed {
    read: [Rc<Cell<usize>>; 2],
    lines: usize,
    bytes: usize,
    ahead_max: usize,
}

const SUBJECT_BYTES: usize = "91410202MA00000000\t410202\t410202\n".len();

impl Write for Followed {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let [subjects, names] = &self.read;
        self.lines += 1;
        self.bytes += line.len();
        let ahead = (subjects.get() - self.lines * SUBJECT_BYTES).max(names.get() - self.bytes);
        self.ahead_max = self.ahead_max.max(ahead);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The most memory this process ever held, in bytes. Each test is a process of its own.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// What is held is the table that is written, and of everything read no more than a buffer: names and earlier pool are never
/// read further ahead than that of what was kept, however many they are.
#[test]
fn neither_the_earlier_pool_nor_the_names_are_held() {
    let (subjects, subjects_read) = made(|n| format!("91410202MA{n:08}\t410202\t410202\n"));
    let (out, _) = made(|n| format!("91410202MA{:08}\tDRAWN_BEFORE\n", n * 2));
    let (names, names_read) = made(|n| format!("91410202MA{n:08}\t开封市第{n}商贸有限公司\n"));
    let read = [subjects_read, names_read];
    let mut kept = Followed { read: read.clone(), lines: 0, bytes: 0, ahead_max: 0 };
    let before = peak();
    let scope = Scope::EarlierPool { subjects, out };
    let pool = write(scope, names, &Manner::of(&rules(false), []), &mut kept).unwrap();
    let grown = peak() - before;
    assert_eq!(kept.lines, SUBJECTS_N as usize);
    assert_eq!([read[0].get(), read[1].get()], [kept.lines * SUBJECT_BYTES, kept.bytes]);
    assert_eq!(pool.strata()["410202"], u64::from(SUBJECTS_N) / 2);
    assert!(kept.ahead_max <= 16 << 10, "{} bytes ahead, of {} of names", kept.ahead_max, kept.bytes);
    // Twice while they grow, and once more when they are taken out; as single texts those in scope would be 80 MB.
    let (tables, max) = ((pool.subjects.len() + pool.left_out.len()) as u64, 48 << 20);
    assert!(grown < max, "grew by {grown} bytes for tables of {tables}");
}
