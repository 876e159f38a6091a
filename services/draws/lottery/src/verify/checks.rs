//! The checks from `statement` to `signature`, each from the files alone.

use std::collections::HashSet;

use super::{
    Checks, Findings, beacon,
    inputs::{Inputs, Part, Row},
    people,
};
use crate::{
    Result,
    entries::{but_the_beacons, check_entries, seed},
    frozen::{FROZEN, LEFT_OUT, SUBJECTS, in_both, key_of, shown},
    hash::{Digest, Tickets},
    merkle::{self, lines_of},
    names::Time,
    reveal::{DRAW, RESULT, STRATA},
    rules::Rules,
    select::{Drawn, Selection, Stratum, select, strata_tsv},
    sign::{Jwks, Signature, draw_text, entries_text, statement_text},
    statement::{STATEMENT, commitment},
    teams::Team,
};

/// What was computed on the way, for the notes.
#[derive(Debug, Default)]
pub struct Found {
    pub teams: Option<Vec<Team>>,
}

pub fn run(inputs: &Inputs, jwks: Option<&Result<Jwks>>, demo: bool, checks: &mut Checks) -> Found {
    statement(inputs, checks);
    digests(inputs, checks);
    committed(inputs, checks);
    tree(inputs, checks);
    subjects(inputs, checks);
    rules(inputs, checks);
    entries(inputs, checks);
    beacon::check(inputs, checks);
    let seed = seeded(inputs, checks);
    let selection = selected(inputs, &seed);
    strata(inputs, &selection, checks);
    selection_check(inputs, &selection, &seed, checks);
    let teams = people::check(inputs, selection.get(), &seed, checks);
    result_digests(inputs, &selection, checks);
    time(inputs, checks);
    signatures(inputs, jwks, demo, checks);
    Found { teams }
}

/// `SHA-256(statement.json)` of the bytes that are there.
pub fn statement_digest(inputs: &Inputs) -> Part<Digest> {
    match inputs.bytes(STATEMENT) {
        Some(bytes) => Part::Read(Digest::of(bytes)),
        None => Part::Absent(inputs.why_absent(STATEMENT)),
    }
}

fn statement(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    let digest = statement_digest(inputs);
    if let (Some(digest), Some(draw)) = (findings.need(&digest), findings.need(&inputs.draw))
        && *digest != draw.statement
    {
        findings.wrong(format!(
            "the digest of {STATEMENT} is {digest}, but {DRAW} is the draw of statement {}",
            draw.statement
        ));
    }
    let rules = findings.need(&inputs.rules);
    if let Some(statement) = findings.need(&inputs.statement) {
        findings.wrong.extend(statement.problems(rules));
    }
    let proves = digest.get().map_or_else(String::new, |digest| {
        format!("statement {digest} is the one drawn from; protocol, number, times and plan fit. Compare the digest with the one published when the draw was stated")
    });
    checks.conclude("statement", None, findings, proves);
}

fn digests(inputs: &Inputs, checks: &mut Checks) {
    for file in FROZEN {
        let mut findings = Findings::default();
        if let Some(statement) = findings.need(&inputs.statement) {
            match (inputs.bytes(file).map(Digest::of), statement.digests.get(file)) {
                (Some(own), Some(stated)) if own == *stated => {}
                (Some(own), stated) => {
                    let stated = stated.map_or_else(|| "none".to_owned(), ToString::to_string);
                    findings.wrong(format!(
                        "{file} was changed after the statement: its digest is {own}, stated was {stated}"
                    ));
                }
                (None, _) => findings.open(inputs.why_absent(file)),
            }
        }
        checks.conclude("digest", Some(file), findings, format!("{file} is byte for byte the one stated"));
    }
}

fn committed(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    if let (Some(statement), Some(draw)) = (findings.need(&inputs.statement), findings.need(&inputs.draw)) {
        let own = commitment(&statement.draw_id, &draw.secret);
        if own != statement.commitment {
            findings.wrong(format!("the secret revealed gives commitment {own}, stated was {}", statement.commitment));
        }
    }
    checks.conclude("commitment", None, findings, "the secret is the one committed to before the entries were given");
}

fn tree(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    if let Some(statement) = findings.need(&inputs.statement) {
        match inputs.bytes(SUBJECTS) {
            Some(bytes) if bytes.is_empty() || bytes.ends_with(b"\n") => {
                let own = merkle::root(bytes);
                if own != statement.merkle_root {
                    findings.wrong(format!(
                        "the tree over {SUBJECTS} has root {own}, stated was {}",
                        statement.merkle_root
                    ));
                }
            }
            Some(_) => findings.open(format!("{SUBJECTS} does not end with LF")),
            None => findings.open(inputs.why_absent(SUBJECTS)),
        }
    }
    checks.conclude("merkle", None, findings, "the root by which enterprises prove their line is that of the pool");
}

fn subjects(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    let (pool, statement) = (findings.need(&inputs.subjects), findings.need(&inputs.statement));
    if let (Some(pool), Some(statement)) = (pool, statement)
        && pool.len() != statement.subjects_n
    {
        findings.wrong(format!("{SUBJECTS} has {} subjects, stated were {}", pool.len(), statement.subjects_n));
    }
    let left_out = findings.need(&inputs.left_out);
    if let (Some(pool), Some(_), Some(bytes)) = (pool, left_out, inputs.bytes(LEFT_OUT))
        && let Some(key) = in_both(pool.bytes(), bytes)
    {
        findings.wrong(format!("{} stands in both {SUBJECTS} and {LEFT_OUT}", shown(key)));
    }
    let proves = format!(
        "{} subjects in the pool, {} left out with their reasons, nobody in both",
        pool.map_or(0, |pool| pool.len()),
        left_out.copied().unwrap_or_default()
    );
    checks.conclude("subjects", None, findings, proves);
}

fn rules(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    findings.wrong.extend(inputs.rules_broken.clone());
    if let Some(rules) = findings.need(&inputs.rules) {
        if let Some(statement) = findings.need(&inputs.statement) {
            findings.wrong.extend(rules.problems(&statement.unit));
        }
        if let Some(pool) = findings.need(&inputs.subjects)
            && let Err(error) = rules.check_strata(pool.strata().keys().copied())
        {
            findings.wrong(error.to_string());
        }
        if rules.beacon().is_some_and(|beacon| beacon.is_demonstration())
            && let Some(signatures) = findings.need(&inputs.signatures)
        {
            for (what, signature) in signatures.named() {
                if !signature.is_demonstration() {
                    findings.wrong(format!(
                        "a demonstration's beacon, but {what} is signed by {}, no demonstration key",
                        signature.kid
                    ));
                }
            }
        }
    }
    checks.conclude(
        "rules",
        None,
        findings,
        "contributors, quotas, teams and what is withheld are as the protocol allows",
    );
}

fn entries(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    let mut given = 0;
    if let (Some(rules), Some(draw)) = (findings.need(&inputs.rules), findings.need(&inputs.draw)) {
        given = draw.entries.len();
        if let Err(error) = check_entries(rules, &draw.entries) {
            findings.wrong(error.to_string());
        }
    }
    checks.conclude(
        "entries",
        None,
        findings,
        format!("{given} entries, one of each contributor, in their order and form"),
    );
}

/// Compares the seed that `draw.json` says, from which everything drawn is computed, with that of its parts.
fn seeded(inputs: &Inputs, checks: &mut Checks) -> Part<Digest> {
    let mut findings = Findings::default();
    let digest = statement_digest(inputs);
    if let (Some(digest), Some(draw)) = (findings.need(&digest), findings.need(&inputs.draw)) {
        let computed = seed(digest, &draw.secret, &draw.entries);
        if computed != draw.seed {
            findings.wrong(format!("statement, secret and entries give seed {computed}, {DRAW} says {}", draw.seed));
        }
    }
    checks.conclude("seed", None, findings, "the seed is that of statement, secret and entries");
    match &inputs.draw {
        Part::Read(draw) => Part::Read(draw.seed),
        Part::Absent(why) => Part::Absent(why.clone()),
    }
}

fn selected(inputs: &Inputs, seed: &Part<Digest>) -> Part<Selection> {
    let mut findings = Findings::default();
    let parts = (findings.need(&inputs.rules), findings.need(&inputs.subjects), findings.need(seed));
    let (Some(rules), Some(pool), Some(seed)) = parts else {
        return Part::Absent(findings.open.join(" and "));
    };
    match select(pool, &rules.quotas, Tickets::new(seed)) {
        Ok(selection) => Part::Read(selection),
        Err(error) => Part::Absent(format!("nothing can be drawn by these rules: {error}")),
    }
}

fn strata(inputs: &Inputs, selection: &Part<Selection>, checks: &mut Checks) {
    let mut findings = Findings::default();
    if let Some(selection) = findings.need(selection) {
        match (inputs.bytes(STRATA), inputs.strata.get()) {
            (Some(bytes), strata) if bytes != strata_tsv(&selection.strata) => {
                findings.wrong(
                    strata
                        .and_then(|strata| stratum_difference(strata, &selection.strata))
                        .unwrap_or_else(|| format!("{STRATA} is not what quotas and tickets give")),
                );
            }
            (Some(_), _) => {}
            // With the pool at hand its digest in draw.json is enough.
            (None, _) => {
                if let Some(draw) = findings.need(&inputs.draw)
                    && Digest::of(&strata_tsv(&selection.strata)) != draw.strata_digest
                {
                    findings.wrong(format!(
                        "quotas and tickets give another {STRATA} than the one whose digest {DRAW} names"
                    ));
                }
            }
        }
    }
    checks.conclude(
        "strata",
        Some(STRATA),
        findings,
        "sizes, places and thresholds are those that pool, quotas and tickets give",
    );
}

fn stratum_difference(published: &[Stratum], own: &[Stratum]) -> Option<String> {
    for one in own {
        let Some(other) = published.iter().find(|other| other.name == one.name) else {
            return Some(format!("stratum {} is missing", one.name));
        };
        if other != one {
            let threshold =
                |stratum: &Stratum| stratum.threshold.map_or_else(|| "-".to_owned(), |ticket| ticket.to_string());
            return Some(format!(
                "stratum {} is n {} k {} threshold {}, published as n {} k {} threshold {}",
                one.name,
                one.n,
                one.k,
                threshold(one),
                other.n,
                other.k,
                threshold(other)
            ));
        }
    }
    published
        .iter()
        .find(|other| own.iter().all(|one| one.name != other.name))
        .map(|other| format!("there is no stratum {}", other.name))
}

fn selection_check(inputs: &Inputs, selection: &Part<Selection>, seed: &Part<Digest>, checks: &mut Checks) {
    let mut findings = Findings::default();
    let mut drawn = 0;
    if let Some(rows) = findings.need(&inputs.result) {
        if let Some(seed) = findings.need(seed) {
            rows_hold(rows, Tickets::new(seed), &mut findings);
        }
        if let Some(selection) = findings.need(selection) {
            drawn = selection.drawn.len();
            differences(rows, &selection.drawn, &mut findings);
        } else if let (Some(_), Some(bytes)) = (inputs.left_out.get(), inputs.bytes(LEFT_OUT)) {
            // Whoever was left out cannot be drawn, whatever the pool.
            let left_out: HashSet<&[u8]> = lines_of(bytes).map(|line| key_of(line, 1)).collect();
            findings.wrong.extend(
                rows.iter()
                    .zip(1..)
                    .filter(|(row, _)| left_out.contains(row.key.as_bytes()))
                    .map(|(row, line)| format!("line {line}: {} was left out, and is drawn", row.key)),
            );
        }
    }
    checks.conclude(
        "selection",
        Some(RESULT),
        findings,
        format!("the {drawn} drawn subjects are those with the smallest tickets of their strata, in their order"),
    );
}

/// What `result.tsv` shows by itself: tickets, order, distinctness.
fn rows_hold(rows: &[Row], tickets: Tickets, findings: &mut Findings) {
    let mut keys = HashSet::new();
    for (row, line) in rows.iter().zip(1..) {
        let own = tickets.subject(row.key.as_bytes());
        if own != row.ticket {
            findings.wrong(format!("line {line}: the ticket of {} is {own}, not {}", row.key, row.ticket));
        }
        if !keys.insert(row.key) {
            findings.wrong(format!("line {line}: {} is drawn twice", row.key));
        }
    }
    if let Some(at) = rows.windows(2).position(|pair| (pair[0].ticket, pair[0].key) > (pair[1].ticket, pair[1].key)) {
        findings.wrong(format!("line {}: {} is not in the order of tickets", at + 2, rows[at + 1].key));
    }
}

fn differences(rows: &[Row], drawn: &[Drawn], findings: &mut Findings) {
    let (own, published): (HashSet<&str>, HashSet<&str>) =
        (drawn.iter().map(Drawn::key).collect(), rows.iter().map(|row| row.key).collect());
    findings.wrong.extend(
        drawn
            .iter()
            .filter(|one| !published.contains(one.key()))
            .map(|one| format!("{} is drawn, but missing", one.key())),
    );
    findings.wrong.extend(
        rows.iter()
            .zip(1..)
            .filter(|(row, _)| !own.contains(row.key))
            .map(|(row, line)| format!("line {line}: {} is not drawn", row.key)),
    );
}

fn result_digests(inputs: &Inputs, selection: &Part<Selection>, checks: &mut Checks) {
    for file in [STRATA, RESULT] {
        let mut findings = Findings::default();
        if let Some(draw) = findings.need(&inputs.draw) {
            let stated = if file == STRATA { draw.strata_digest } else { draw.result_digest };
            let recomputed =
                (file == STRATA).then(|| selection.get()).flatten().map(|selection| strata_tsv(&selection.strata));
            match inputs.bytes(file).map(Digest::of).or_else(|| recomputed.as_deref().map(Digest::of)) {
                Some(own) if own == stated => {}
                Some(own) => findings.wrong(format!("the digest of {file} is {own}, {DRAW} names {stated}")),
                None => findings.open(inputs.why_absent(file)),
            }
        }
        checks.conclude("result_digest", Some(file), findings, format!("{file} is byte for byte the one revealed"));
    }
}

fn time(inputs: &Inputs, checks: &mut Checks) {
    let mut findings = Findings::default();
    if let (Some(statement), Some(draw)) = (findings.need(&inputs.statement), findings.need(&inputs.draw)) {
        let at = &draw.revealed_at;
        if *at <= statement.entries_close {
            findings
                .wrong(format!("revealed at {at}, before or when the entries closed at {}", statement.entries_close));
        }
        if *at > statement.reveal_by {
            findings.wrong(format!("revealed at {at}, after {}: such a draw is failed", statement.reveal_by));
        }
        if let Some(beacon_at) = statement.beacon_at.as_ref().filter(|beacon_at| at < *beacon_at) {
            findings.wrong(format!("revealed at {at}, before the beacon's time {beacon_at}"));
        }
    }
    checks.conclude("time", None, findings, "revealed after the entries closed and in time");
}

fn signatures(inputs: &Inputs, jwks: Option<&Result<Jwks>>, demo: bool, checks: &mut Checks) {
    const STATED: [&str; 2] = ["statement", "evidence"];
    let statement = inputs.statement.get();
    let digest = statement_digest(inputs);
    for what in ["statement", "entries", "draw"] {
        let mut findings = Findings::default();
        let mut proves = String::new();
        if let Some(all) = findings.need(&inputs.signatures) {
            let (signature, purposes, at): (&Signature, &[&str], Option<&Time>) = match what {
                "statement" => (&all.statement, &STATED, statement.map(|statement| &statement.stated_at)),
                "entries" => (&all.entries, &STATED, statement.map(|statement| &statement.entries_close)),
                _ => (&all.draw, &["evidence"], inputs.draw.get().map(|draw| &draw.revealed_at)),
            };
            if signature.is_demonstration() && !demo {
                findings.wrong(format!("signed by {}, a demonstration key: this is no real draw", signature.kid));
            }
            let text = signed_text(what, inputs, &digest, &mut findings);
            match jwks {
                None => findings.open("no key was given"),
                Some(Err(error)) => findings.wrong(format!("the keys given cannot be read: {error}")),
                Some(Ok(jwks)) => match jwks.find(&signature.kid) {
                    Err(error) => findings.wrong(error.to_string()),
                    Ok(key) => {
                        let in_force = at.map(|at| key.check_use(purposes, at));
                        findings.wrong.extend(in_force.and_then(Result::err).map(|error| error.to_string()));
                        if at.is_none() {
                            findings.open("the time of signing could not be read");
                        }
                        if let Some(text) = text
                            && let Err(error) = signature.check(&text, &key.key)
                        {
                            findings.wrong(error.to_string());
                        }
                    }
                },
            }
            proves = format!("signed by key {}", signature.kid);
        }
        checks.conclude("signature", Some(what), findings, proves);
    }
}

fn signed_text(what: &str, inputs: &Inputs, digest: &Part<Digest>, findings: &mut Findings) -> Option<String> {
    match what {
        "statement" => findings.need(digest).map(statement_text),
        "entries" => {
            let (digest, rules, draw): (_, Option<&Rules>, _) =
                (findings.need(digest), findings.need(&inputs.rules), findings.need(&inputs.draw));
            Some(entries_text(digest?, but_the_beacons(rules?, &draw?.entries)))
        }
        _ => match inputs.bytes(DRAW) {
            Some(bytes) => Some(draw_text(&Digest::of(bytes))),
            None => {
                findings.open(inputs.why_absent(DRAW));
                None
            }
        },
    }
}
