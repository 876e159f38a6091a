//! The checks of a firm's own line ([`OwnLine`], art. 10): `line_format`, `line_statement`, `line_proof`, `line_ticket`,
//! `line_threshold`, `line_drawn`. A line of `left_out.tsv` has no ticket, so it has the first three alone.

use super::{Checks, Findings, checks::statement_digest, inputs::Inputs};
use crate::{
    frozen::LEFT_OUT,
    merkle::lines_of,
    own_line::{Columns, InPool, OwnLine},
    reveal::RESULT,
};

/// What the checks are about, for the reader.
const FILE: Option<&str> = Some("own line");

pub fn check(inputs: &Inputs, bytes: &[u8], checks: &mut Checks) {
    let own = match OwnLine::parse(bytes) {
        Ok(own) => own,
        Err(error) => return checks.fail("line_format", FILE, error.to_string()),
    };
    let mut findings = Findings::default();
    let rules = findings.need(&inputs.rules);
    let columns = rules.map(|rules| own.columns(rules.is_withheld(own.file())));
    let columns = match columns {
        Some(Ok(columns)) => Some(columns),
        Some(Err(error)) => {
            findings.wrong(error.to_string());
            None
        }
        None => None,
    };
    checks.conclude("line_format", FILE, findings, format!("a line of {} as the rules want it", own.file()));
    statement(inputs, &own, checks);
    proof(inputs, &own, checks);
    if let (Some(pool), Some(Columns::Pool { key, stratum, .. })) = (&own.pool, columns) {
        ticket(inputs, pool, key, checks);
        threshold(inputs, pool, stratum, checks);
        drawn(inputs, pool, key, checks);
    }
}

fn statement(inputs: &Inputs, own: &OwnLine, checks: &mut Checks) {
    let mut findings = Findings::default();
    if let Some(statement) = findings.need(&inputs.statement)
        && statement.draw_id != own.draw_id
    {
        findings.wrong(format!("the line is of {}, the bundle of {}", own.draw_id, statement.draw_id));
    }
    if let Some(digest) = findings.need(&statement_digest(inputs))
        && *digest != own.statement
    {
        findings.wrong(format!("the line is of statement {}, the bundle of {digest}", own.statement));
    }
    checks.conclude("line_statement", FILE, findings, "the line is of this draw's statement");
}

fn proof(inputs: &Inputs, own: &OwnLine, checks: &mut Checks) {
    let mut findings = Findings::default();
    let mut proves = format!("the line stands in {LEFT_OUT}");
    match &own.pool {
        Some(pool) => {
            proves = format!("line {} of the pool, fixed before anything random was known", pool.proof.index + 1);
            if let Some(statement) = findings.need(&inputs.statement) {
                if pool.proof.size != statement.subjects_n {
                    findings
                        .wrong(format!("a proof over {} lines, stated were {}", pool.proof.size, statement.subjects_n));
                }
                if let Err(error) = pool.proof.check(&statement.merkle_root, own.line.as_bytes()) {
                    findings.wrong(error.to_string());
                }
            }
        }
        None => match inputs.bytes(LEFT_OUT) {
            Some(bytes) if lines_of(bytes).any(|line| line == own.line.as_bytes()) => {}
            Some(_) => findings.wrong(format!("the line does not stand in {LEFT_OUT}")),
            None => findings.open(inputs.why_absent(LEFT_OUT)),
        },
    }
    checks.conclude("line_proof", FILE, findings, proves);
}

fn ticket(inputs: &Inputs, pool: &InPool, key: &str, checks: &mut Checks) {
    let mut findings = Findings::default();
    if let Some(draw) = findings.need(&inputs.draw)
        && draw.seed != pool.seed
    {
        findings.wrong(format!("the line's seed is {}, the draw's {}", pool.seed, draw.seed));
    }
    if !pool.is_own_ticket(key) {
        findings.wrong(format!("{} is not the ticket that seed gives {key}", pool.ticket));
    }
    checks.conclude("line_ticket", FILE, findings, format!("{} is the ticket of {key}", pool.ticket));
}

fn threshold(inputs: &Inputs, pool: &InPool, stratum: &str, checks: &mut Checks) {
    let mut findings = Findings::default();
    let shown = |threshold: Option<crate::Digest>| threshold.map_or_else(|| "none".to_owned(), |t| t.to_string());
    if let Some(strata) = findings.need(&inputs.strata) {
        match strata.iter().find(|known| known.name == stratum) {
            Some(known) if known.threshold == pool.threshold => {}
            Some(known) => {
                let (own, public) = (shown(pool.threshold), shown(known.threshold));
                findings.wrong(format!("the threshold of {stratum} is {public}, the line says {own}"));
            }
            None => findings.wrong(format!("there is no stratum {stratum}")),
        }
    } else if let (Some(threshold), Some(rows)) = (pool.threshold, inputs.result.get())
        && !rows.iter().any(|row| row.ticket == threshold)
    {
        // A threshold is the largest ticket drawn in its stratum, so it stands in the result in any case.
        findings.wrong(format!("{threshold} is no threshold: nobody of that ticket is in {RESULT}"));
    }
    checks.conclude(
        "line_threshold",
        FILE,
        findings,
        format!("{} is the threshold of {stratum}", shown(pool.threshold)),
    );
}

fn drawn(inputs: &Inputs, pool: &InPool, key: &str, checks: &mut Checks) {
    let mut findings = Findings::default();
    if pool.is_drawn() != pool.drawn.is_some() {
        findings.wrong("ticket and threshold say otherwise than the line");
    }
    if let Some(rows) = findings.need(&inputs.result) {
        match (rows.iter().find(|row| row.key == key), &pool.drawn) {
            (Some(row), Some(placed)) if row.officers != placed.officers || row.experts != placed.experts => {
                findings.wrong(format!("{RESULT} sends others to {key} than the line"));
            }
            (Some(row), _) if row.ticket != pool.ticket => {
                findings.wrong(format!("{RESULT} has another ticket for {key}"))
            }
            (Some(_), Some(_)) | (None, None) => {}
            (Some(_), None) => findings.wrong(format!("{key} is in {RESULT}, the line says it was not drawn")),
            (None, Some(_)) => findings.wrong(format!("{key} is not in {RESULT}, the line says it was drawn")),
        }
    }
    let proves = if pool.drawn.is_some() {
        "drawn: the ticket is not above the threshold"
    } else {
        "not drawn: the ticket is above the threshold, or nobody is drawn"
    };
    checks.conclude("line_drawn", FILE, findings, proves);
}
