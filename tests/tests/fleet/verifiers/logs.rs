//! Logs of recusals over random draws (art. 16), right ones and tampered ones: the command and the browser's verifier come to the
//! same verdict on every line.

use std::collections::BTreeSet;

use lottery::{
    Digest, Time,
    frozen::{Candidate, EXCLUSIONS, EXPERTS, Exclusions, OFFICERS, parse_people},
    hash::Tickets,
    recusal::{Act, Asked, Head, Known, Log, Placed, Recusals, Visits, log_text},
    sign,
    testing::{Dice, Draw, jwks, signing_key},
    verify::{GivenLog, Options, verify_with_log},
};
use serde_json::Value;

use super::{
    browser::{Browser, Given, LogBytes},
    edges::{self, Counts},
    env_or, outcome, proving, way,
};

/// Acts of one log at the most.
const ACTS_MAX: usize = 8;

/// A log as it would be published, taken apart.
#[derive(Clone)]
struct Published {
    lines: Vec<String>,
    visits: Visits,
    /// Number and digest of the line that is signed.
    signed: Option<(u64, Digest)>,
}

/// How a log is given, or what was done to it.
const TRICKS: [&str; 21] = [
    "as it is",
    "without its head",
    "without visits",
    "without both",
    "an old head",
    "the end cut off",
    "a line dropped",
    "two lines swapped",
    "a line repeated",
    "a column of another line",
    "a word nobody knows",
    "a column empty",
    "a column too many",
    "another byte",
    "no line end",
    "a visit that was not",
    "no line end of the visits",
    "a lie, chained and signed anew",
    "somebody else joins, chained and signed anew",
    "another act, chained and signed anew",
    "the head of another draw",
];

fn random_log(draw: &Draw, dice: &mut Dice) -> Published {
    let files = draw.frozen();
    let salted = |file: &str| draw.rules.is_withheld(file);
    let people = |file, bytes| -> Vec<Candidate> { parse_people(file, bytes, salted(file)).unwrap() };
    let (officers, experts) = (people(OFFICERS, files.officers), people(EXPERTS, files.experts));
    let exclusions = Exclusions::parse(files.exclusions, salted(EXCLUSIONS)).unwrap();
    let known = Known {
        rules: &draw.rules,
        tickets: Tickets::new(&draw.reveal.seed),
        officers: Some(&officers),
        experts: Some(&experts),
        exclusions: Some(&exclusions),
    };
    let recusals = Recusals::new(known, draw.reveal.rows.iter().map(Placed::from)).unwrap();
    let mut log = Log::new(recusals, Digest::of(&draw.reveal.result_tsv), draw.revealed_at.clone());
    let (mut lines, mut visits) = (Vec::new(), Visits::new());
    let since = draw.revealed_at.epoch_secs();
    for nth in 0..dice.below(ACTS_MAX + 1) {
        let time = Time::from_epoch_secs(since + i64::try_from(nth).unwrap() * 60).unwrap();
        let visited: BTreeSet<String> = visits.keys().cloned().collect();
        let placed = log.recusals().roster().placed().iter().filter(|one| !visited.contains(&one.key));
        let there: Vec<(String, String)> = placed
            .flat_map(|one| one.officers.iter().chain(&one.experts).flatten().map(|who| (one.key.clone(), who.clone())))
            .collect();
        if there.is_empty() {
            break;
        }
        let (subject, out) = there[dice.below(there.len())].clone();
        let act = if dice.one_in(3) { Act::Withdraw } else { Act::Exchange };
        let reason = if act == Act::Withdraw && dice.one_in(2) { "ILLNESS" } else { "KINSHIP" };
        let later = Time::from_epoch_secs(time.epoch_secs() + 30).unwrap();
        let asked = Asked {
            time,
            act,
            subject,
            out,
            reason: reason.to_owned(),
            asked_by: "market/handler".to_owned(),
            approved_by: "market/reviewer".to_owned(),
        };
        lines.push(log.act(&asked, |key| visited.contains(key)).unwrap().to_string());
        if dice.one_in(3) {
            let placed = log.recusals().roster().placed();
            let key = placed[dice.below(placed.len())].key.clone();
            visits.entry(key).or_insert(later);
        }
    }
    let signed = (!lines.is_empty()).then(|| (log.len(), log.digest()));
    Published { lines, visits, signed }
}

/// Puts a line's true predecessor into each from `from` on, as whoever holds the key would.
fn chained_anew(published: &mut Published, result: Digest) {
    let mut previous = result;
    for line in &mut published.lines {
        let cut = line.rfind('\t').unwrap();
        *line = format!("{}\t{previous}", &line[..cut]);
        previous = Digest::of(format!("{line}\n").as_bytes());
    }
    published.signed = Some((published.lines.len() as u64, previous));
}

fn change_column(line: &str, column: usize, value: &str) -> String {
    let mut columns: Vec<&str> = line.split('\t').collect();
    columns[column] = value;
    columns.join("\t")
}

/// The bytes given to both verifiers; none where the log has nothing to do that to.
fn played(trick: &str, log: &Published, draw: &Draw, dice: &mut Dice) -> Option<LogBytes> {
    let (mut own, result) = (log.clone(), Digest::of(&draw.reveal.result_tsv));
    let mut statement = Digest::of(&draw.stated.bytes);
    let (mut has_head, mut has_visits, mut ends) = (true, true, true);
    let any = |dice: &mut Dice| dice.below(log.lines.len().max(1));
    let needs = match trick {
        "as it is"
        | "without its head"
        | "without visits"
        | "without both"
        | "a visit that was not"
        | "no line end of the visits" => 0,
        "an old head" | "two lines swapped" | "a column of another line" => 2,
        _ => 1,
    };
    if log.lines.len() < needs {
        return None;
    }
    match trick {
        "without its head" => has_head = false,
        "without visits" => has_visits = false,
        "without both" => (has_head, has_visits) = (false, false),
        "an old head" => {
            let n = 1 + dice.below(log.lines.len() - 1);
            own.signed = Some((n as u64, Digest::of(format!("{}\n", log.lines[n - 1]).as_bytes())));
        }
        "the end cut off" => drop(own.lines.pop()),
        "a line dropped" => drop(own.lines.remove(any(dice))),
        "two lines swapped" => {
            let at = dice.below(log.lines.len() - 1);
            own.lines.swap(at, at + 1);
        }
        "a line repeated" => own.lines.push(log.lines[any(dice)].clone()),
        "a column of another line" => {
            let (at, other, column) = (any(dice), any(dice), dice.below(11));
            own.lines[at] = change_column(&log.lines[at], column, log.lines[other].split('\t').nth(column)?);
        }
        "a word nobody knows" | "a column empty" => {
            let (at, column) = (any(dice), dice.below(11));
            let word = ["nobody", "-", "0", "18446744073709551616", "某人"][dice.below(5)];
            own.lines[at] = change_column(&log.lines[at], column, if trick == "a column empty" { "" } else { word });
        }
        "a column too many" => own.lines[any(dice)].push_str("\tx"),
        "no line end" => ends = false,
        "a visit that was not" => {
            let rows = &draw.reveal.rows;
            let row = rows.get(dice.below(rows.len().max(1)))?;
            own.visits.insert(row.key.clone(), draw.revealed_at.clone());
        }
        "a lie, chained and signed anew" => {
            let (at, column) = (any(dice), 3 + dice.below(7));
            let other = log.lines[any(dice)].split('\t').nth(3 + dice.below(7))?.to_owned();
            own.lines[at] = change_column(&log.lines[at], column, &other);
            chained_anew(&mut own, result);
        }
        "somebody else joins, chained and signed anew" => {
            let files = draw.frozen();
            let people = [files.officers, files.experts].concat();
            let keys: Vec<&str> =
                std::str::from_utf8(&people).unwrap().lines().filter_map(|l| l.split('\t').next()).collect();
            let at = any(dice);
            let other = if dice.one_in(5) { "-" } else { keys.get(dice.below(keys.len().max(1))).copied()? };
            own.lines[at] = change_column(&log.lines[at], 5, other);
            chained_anew(&mut own, result);
        }
        "another act, chained and signed anew" => {
            let at = any(dice);
            let is_exchange = log.lines[at].contains("\tEXCHANGE\t");
            let line = change_column(&log.lines[at], 2, if is_exchange { "WITHDRAW" } else { "EXCHANGE" });
            let rows = &draw.reveal.rows;
            let other = if is_exchange { "-" } else { &rows.get(dice.below(rows.len().max(1)))?.key };
            own.lines[at] = change_column(&line, 6, other);
            chained_anew(&mut own, result);
        }
        "the head of another draw" => statement = Digest::of(b"another"),
        _ => {}
    }
    let mut lines: Vec<u8> = own.lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
    if !ends {
        lines.pop();
    }
    if trick == "another byte" {
        let at = dice.below(lines.len());
        lines[at] ^= 1 << dice.below(8);
    }
    let head = own.signed.filter(|_| has_head).map(|(n, digest)| {
        let signature = sign::sign(&draw.kid, &signing_key(), &log_text(&statement, n, &digest));
        Head { digest, n, signature }.to_bytes().unwrap()
    });
    let mut visits = own.visits.iter().map(|(key, time)| format!("{key}\t{time}\n")).collect::<String>();
    if trick == "no line end of the visits" {
        visits.pop()?;
    }
    Some(LogBytes { lines, head, visits: has_visits.then(|| visits.into_bytes()) })
}

fn by_the_command(bundle: &[u8], given: &Given, log: &LogBytes) -> Value {
    let keys = jwks();
    let options = Options { jwks: (!given.keyless).then_some(&keys), with: given.with.clone(), demo: given.demo };
    let log = GivenLog { lines: &log.lines, head: log.head.as_deref(), visits: log.visits.as_deref() };
    verify_with_log(bundle, &options, Some(&log)).to_json()
}

#[test]
fn logs_right_and_tampered_are_judged_alike_line_by_line() {
    let seed = env_or("QINGTIAN_SEED", 1);
    let many = env_or("QINGTIAN_BUNDLES", if proving() { 10_000 } else { 300 }) as usize;
    let folder = tempfile::tempdir().unwrap();
    let mut browser = Browser::start(&jwks(), folder.path());
    let edges = edges::all();
    let (mut tricks, mut verdicts, mut acts) = (Counts::default(), Counts::default(), 0);
    for nth in 0..many {
        let own = seed.wrapping_add(nth as u64);
        let trick = TRICKS[own as usize % TRICKS.len()];
        // Some draws drew nobody, and some logs have no line to do anything to: the next one may.
        let (draw, log, given) = (0..)
            .find_map(|again| {
                let mut dice = Dice::new(own.wrapping_mul(1 << 20) + again);
                let (draw, _) = edges::draw_with(edges[dice.below(edges.len())], own.wrapping_mul(1 << 10) + again);
                let published = random_log(&draw, &mut dice);
                let log = played(trick, &published, &draw, &mut dice)?;
                let (_, given) = way(&draw, own);
                Some((draw, log, given))
            })
            .unwrap();
        let bundle = draw.bundle().unwrap();
        let report = by_the_command(&bundle, &given, &log);
        let what = format!("QINGTIAN_SEED={own} QINGTIAN_BUNDLES=1, {trick}");
        let (command, browser) = (outcome(&report), outcome(&browser.verify_with_log(&bundle, &given, &log)));
        assert_eq!(command, browser, "{what}: the command, the browser's verifier");
        acts += command.checks.iter().filter(|(id, ..)| id == "log_act").count();
        tricks.add([trick]);
        verdicts.add([match command.verdict.as_str() {
            "verified" => "verified",
            "partly" => "partly",
            _ => "not verified",
        }]);
        if ["as it is", "without its head", "without visits", "without both"].contains(&trick) {
            let failed: Vec<_> =
                command.checks.iter().filter(|(id, _, ok)| id.starts_with("log_") && *ok == false).collect();
            let only_demo = !given.demo && failed.iter().all(|(id, ..)| id == "log_head");
            assert!(failed.is_empty() || only_demo, "{what}: {failed:?}");
        }
    }
    println!("{many} logs with {acts} acts from seed {seed}, judged alike: {:?}, {:?}", verdicts.0, tricks.0);
    if many >= 300 {
        assert_eq!(tricks.below(10, TRICKS), [""; 0], "tricks played too seldom");
        assert_eq!(verdicts.below(10, ["verified", "partly", "not verified"]), [""; 0]);
    }
}
