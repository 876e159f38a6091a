//! The checks of the log (art. 16): `log_format`, `log_chain`, `log_act` (each line), `log_head`. Every act since the
//! draw is dictated again from the bundle and the lines before it.

use std::collections::{HashMap, HashSet};

use super::{
    Checks, Findings, Note,
    inputs::{Inputs, Part, lf_ended},
};
use crate::{
    error::{Error, Result},
    frozen::columns,
    hash::{Digest, Tickets},
    merkle::lines_of,
    names::{Time, is_name},
    recusal::{Act, Head, Known, Log, NOBODY, Placed, Recusals, Visits, log_text},
    reveal::{DRAW, RESULT},
    sign::Jwks,
    statement::STATEMENT,
};

/// A reader refuses a larger log, in bytes.
pub const LOG_BYTES_MAX: u64 = 64 << 20;
/// A reader refuses a log of more lines: each has a verdict of its own.
pub const LOG_LINES_MAX: usize = 200_000;

/// The log of a draw, and what else is known of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct GivenLog<'a> {
    /// Its lines.
    pub lines: &'a [u8],
    /// Its signed head ([`Head`]); without it lines may be missing at the end.
    pub head: Option<&'a [u8]>,
    /// `subject TAB time` for every visited subject, sorted; without it nobody can say whom an exchange passed over.
    pub visits: Option<&'a [u8]>,
}

/// Adds the checks; returns what a reader should know.
pub fn check(
    inputs: &Inputs,
    given: &GivenLog,
    jwks: Option<&Result<Jwks>>,
    demo: bool,
    checks: &mut Checks,
) -> Vec<Note> {
    let visits = given.visits.map(parse_visits);
    let texts = match texts(given.lines) {
        Ok(texts) => {
            checks.pass("log_format", Some("log"), format!("{} lines of plain text", texts.len()));
            texts
        }
        Err(error) => {
            checks.fail("log_format", Some("log"), error.to_string());
            return Vec::new();
        }
    };
    if let Some(Err(error)) = &visits {
        checks.fail("log_format", Some("visits"), error.to_string());
    }
    let visits = visits.and_then(Result::ok);

    let mut findings = Findings::default();
    let mut notes = Vec::new();
    let mut times = Vec::new();
    match start(inputs, &mut findings) {
        Some((log, revealed_at)) => {
            notes = replay(log, revealed_at, &texts, visits.as_ref(), &mut times, checks);
        }
        None => checks.conclude("log_act", None, findings, ""),
    }
    head(inputs, given, &texts, times.last(), jwks, demo, checks);
    notes
}

fn texts(bytes: &[u8]) -> Result<Vec<&str>> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Err(Error::file("log", "is not text in UTF-8")) };
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(Error::file("log", "the last line does not end with LF"));
    }
    let texts: Vec<&str> = text.split_terminator('\n').take(LOG_LINES_MAX + 1).collect();
    if texts.len() > LOG_LINES_MAX {
        return Err(Error::file("log", format!("has more than {LOG_LINES_MAX} lines")));
    }
    Ok(texts)
}

fn parse_visits(bytes: &[u8]) -> Result<Visits> {
    let mut visits = Visits::new();
    lf_ended("visits", bytes)?;
    for (line, number) in lines_of(bytes).zip(1..) {
        let parsed = columns::<2>(line, false).and_then(|[subject, time]| {
            let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default().to_owned();
            if !is_name(subject) {
                return Err("the subject is not a name".to_owned());
            }
            Ok((text(subject), Time::parse(&text(time)).map_err(|error| error.to_string())?))
        });
        let (subject, time) = parsed.map_err(|why| Error::line("visits", number, why))?;
        if visits.last_key_value().is_some_and(|(before, _)| *before >= subject) {
            return Err(Error::line("visits", number, format!("{subject} is not in sorted order")));
        }
        visits.insert(subject, time);
    }
    Ok(visits)
}

/// The teams as the result left them, with whatever is known of the rules by which they change.
fn start<'i>(inputs: &'i Inputs, findings: &mut Findings) -> Option<(Log<'i>, &'i Time)> {
    let (Some(rows), Some(rules), Some(draw)) =
        (findings.need(&inputs.result), findings.need(&inputs.rules), findings.need(&inputs.draw))
    else {
        return None;
    };
    let drawn: HashSet<&str> = rows.iter().map(|row| row.key).collect();
    let districts: HashMap<&str, &str> = inputs.subjects.get().map_or_else(HashMap::new, |pool| {
        pool.iter().filter(|one| drawn.contains(one.key)).map(|one| (one.key, one.district)).collect()
    });
    let places = |people: &[&str]| people.iter().map(|&person| Some(person.to_owned())).collect();
    let placed = rows.iter().map(|row| Placed {
        key: row.key.to_owned(),
        district: districts.get(row.key).map(|&district| district.to_owned()),
        ticket: row.ticket,
        officers: places(&row.officers),
        experts: places(&row.experts),
    });
    let known = Known {
        rules,
        tickets: Tickets::new(&draw.seed),
        officers: inputs.officers.get().map(Vec::as_slice),
        experts: inputs.experts.get().map(Vec::as_slice),
        exclusions: inputs.exclusions.get(),
    };
    match Recusals::new(known, placed) {
        Ok(recusals) => {
            let result = inputs.bytes(RESULT).map(Digest::of)?;
            Some((Log::new(recusals, result, draw.revealed_at.clone()), &draw.revealed_at))
        }
        Err(error) => {
            findings.open(format!("{RESULT} cannot be gone on from: {error}"));
            None
        }
    }
}

/// Judges every line; notes the places that stayed empty.
fn replay(
    mut log: Log,
    revealed_at: &Time,
    texts: &[&str],
    visits: Option<&Visits>,
    times: &mut Vec<Time>,
    checks: &mut Checks,
) -> Vec<Note> {
    let mut chain = Findings::default();
    let mut acts = Vec::new();
    let mut done = HashMap::<Act, usize>::new();
    let mut empty = 0;
    for (text, n) in texts.iter().zip(1_u64..) {
        let judged = log.judge(text, visits);
        chain.wrong.extend(judged.unchained.iter().map(|why| format!("line {n}: {why}")));
        let mut findings = Findings::default();
        findings.wrong.extend(judged.wrong);
        findings.open.extend(judged.open);
        let mut proves = String::new();
        if let Some(line) = &judged.line {
            *done.entry(line.act).or_default() += 1;
            empty += usize::from(line.act == Act::Withdraw && line.officer_in == NOBODY);
            proves = said(line.act, &line.officer_out, &line.subject, &line.officer_in, &line.other_subject);
        }
        times.push(judged.line.map_or_else(|| revealed_at.clone(), |line| line.time));
        acts.push((format!("line {n}"), findings, proves));
    }
    checks.conclude("log_chain", Some("log"), chain, "every line names the one before it, the first the result");
    for (file, findings, proves) in acts {
        checks.conclude("log_act", Some(&file), findings, proves);
    }
    let count = |act| done.get(&act).copied().unwrap_or_default();
    let (left, swapped) = (count(Act::Withdraw), count(Act::Exchange));
    vec![Note {
        id: "log",
        message: format!("since the draw {left} withdrew, leaving {empty} places empty, and {swapped} were exchanged"),
    }]
}

fn said(act: Act, out: &str, subject: &str, joins: &str, other: &str) -> String {
    match act {
        Act::Exchange => format!("{out} leaves {subject} and swaps with {joins} of {other}, the first partner"),
        Act::Withdraw if joins == NOBODY => format!("{out} leaves {subject}, and there is no candidate"),
        Act::Withdraw => format!("{out} leaves {subject}; {joins} is next by count and ticket"),
    }
}

fn head(
    inputs: &Inputs,
    given: &GivenLog,
    texts: &[&str],
    signed_at: Option<&Time>,
    jwks: Option<&Result<Jwks>>,
    demo: bool,
    checks: &mut Checks,
) {
    let mut findings = Findings::default();
    let mut proves = String::new();
    match given.head.map(Head::parse) {
        None => findings.open("no signed head was given: lines may be missing at the end"),
        Some(Err(error)) => findings.wrong(error.to_string()),
        Some(Ok(head)) => {
            proves = format!("the log ends with line {}, signed by key {}", head.n, head.signature.kid);
            compare(&head, texts, &mut findings);
            if head.signature.is_demonstration() && !demo {
                findings.wrong(format!("signed by {}, a demonstration key: this is no real draw", head.signature.kid));
            }
            let statement = match inputs.bytes(STATEMENT) {
                Some(bytes) => Part::Read(Digest::of(bytes)),
                None => Part::Absent(inputs.why_absent(STATEMENT)),
            };
            match jwks {
                None => findings.open("no key was given"),
                Some(Err(error)) => findings.wrong(format!("the keys given cannot be read: {error}")),
                Some(Ok(jwks)) => match jwks.find(&head.signature.kid) {
                    Err(error) => findings.wrong(error.to_string()),
                    Ok(key) => {
                        match signed_at {
                            Some(at) => {
                                findings
                                    .wrong
                                    .extend(key.check_use(&["evidence"], at).err().map(|why| why.to_string()));
                            }
                            None => findings.open(format!("the time of signing is not known without {DRAW} and lines")),
                        }
                        if let Some(statement) = findings.need(&statement) {
                            let signed = head.signature.check(&log_text(statement, head.n, &head.digest), &key.key);
                            findings.wrong.extend(signed.err().map(|why| why.to_string()));
                        }
                    }
                },
            }
        }
    }
    checks.conclude("log_head", Some("log"), findings, proves);
}

/// Whether the head is that of the last line.
fn compare(head: &Head, texts: &[&str], findings: &mut Findings) {
    let lines = texts.len() as u64;
    let signed = usize::try_from(head.n).ok().and_then(|n| texts.get(n.checked_sub(1)?));
    match signed {
        None => findings.wrong(format!("the head is that of line {}, but the log has {lines} lines", head.n)),
        Some(text) => {
            let own = Digest::of(format!("{text}\n").as_bytes());
            if own != head.digest {
                findings.wrong(format!("the head signs another line {}: {}, here it is {own}", head.n, head.digest));
            } else if head.n < lines {
                findings.open(format!("the head given covers {} of {lines} lines", head.n));
            }
        }
    }
}
