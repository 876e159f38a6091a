//! The log of one draw: carries acts out and writes their lines, or judges lines already written.

use std::collections::BTreeMap;

use super::{
    Change, ILLNESS, NOBODY, Recusals, TRANSFER,
    line::{self, Act, Line, log_text},
};
use crate::{
    error::{Error, Result, rule},
    hash::Digest,
    names::{Time, name},
};

/// When each visited subject was visited.
pub type Visits = BTreeMap<String, Time>;

/// An upheld request, about to be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub time: Time,
    /// An exchange without a partner becomes a withdrawal.
    pub act: Act,
    pub subject: String,
    /// Who leaves: an officer or an expert.
    pub out: String,
    /// A code; [`ILLNESS`] and [`TRANSFER`] replace only.
    pub reason: String,
    pub asked_by: String,
    pub approved_by: String,
}

/// What one published line came to, given the lines before it as they stand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The line as read; none if it is not of its form.
    pub line: Option<Line>,
    /// Why it does not stand where it does: its number, or what it says of the line before.
    pub unchained: Vec<String>,
    /// Why it is not the act that the protocol dictates.
    pub wrong: Vec<String>,
    /// Why that cannot be said.
    pub open: Vec<String>,
}

impl Judgement {
    /// Whether nothing is wrong; something may be open.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.unchained.is_empty() && self.wrong.is_empty()
    }
}

/// The log of a draw up to some line, and the teams as they stand after it.
#[derive(Debug, Clone)]
pub struct Log<'a> {
    recusals: Recusals<'a>,
    n: u64,
    previous: Digest,
    /// The last line's time, before any line the reveal's.
    since: Time,
    /// The first line that could not be carried out: nothing is known of the teams after it.
    lost_at: Option<u64>,
}

impl<'a> Log<'a> {
    /// A log without a line. `result_tsv` is the digest of that file.
    #[must_use]
    pub fn new(recusals: Recusals<'a>, result_tsv: Digest, revealed_at: Time) -> Self {
        Self { recusals, n: 0, previous: result_tsv, since: revealed_at, lost_at: None }
    }

    /// Goes through the lines of a log that was written here; refuses one that the protocol does not dictate.
    pub fn replay(&mut self, log: &str) -> Result<()> {
        if !log.is_empty() && !log.ends_with('\n') {
            return Err(Error::file("log", "the last line does not end with LF"));
        }
        for text in log.split_terminator('\n') {
            let judged = self.judge(text, None);
            if let Some(why) = judged.unchained.first().or(judged.wrong.first()) {
                return Err(Error::line("log", self.n, why));
            }
            if let Some(lost) = self.lost_at {
                return Err(Error::line("log", lost, "cannot be carried out"));
            }
        }
        Ok(())
    }

    /// Carries out what the protocol dictates and returns the new line. `visited` says which subjects were visited.
    pub fn act(&mut self, asked: &Asked, visited: impl Fn(&str) -> bool) -> Result<Line> {
        for (what, text) in
            [("reason", &asked.reason), ("asked_by", &asked.asked_by), ("approved_by", &asked.approved_by)]
        {
            name(what, text)?;
        }
        if self.lost_at.is_some() {
            return rule("the log holds a line that cannot be carried out");
        }
        let (change, passed) = self.recusals.decided(asked.act, &asked.subject, &asked.out, &visited)?;
        let line = Line {
            n: self.n + 1,
            time: asked.time.clone(),
            act: change.act,
            subject: change.subject.clone(),
            officer_out: change.out.clone(),
            officer_in: change.joins.as_deref().unwrap_or(NOBODY).to_owned(),
            other_subject: change.other_subject.as_deref().unwrap_or(NOBODY).to_owned(),
            reason: asked.reason.clone(),
            asked_by: asked.asked_by.clone(),
            approved_by: asked.approved_by.clone(),
            previous: self.previous,
        };
        // What was asked counts, not what became of it: an exchange without a partner was an exchange asked for.
        if let Some(why) = self.out_of_order(&Line { act: asked.act, ..line.clone() }).into_iter().next() {
            return rule(why);
        }
        self.recusals.roster.apply(&change).or_else(rule)?;
        self.note(&line.to_string(), &line, &passed);
        Ok(line)
    }

    /// Judges the next published line (without its LF) and carries out what it says, wrong or not, as far as the teams
    /// allow. Where `visits` are not known an exchange may have passed subjects over only as visited, for ever after.
    pub fn judge(&mut self, text: &str, visits: Option<&Visits>) -> Judgement {
        let number = self.n + 1;
        let line = match Line::parse(text) {
            Ok(line) => line,
            Err(error) => {
                self.lost_at.get_or_insert(number);
                self.n = number;
                self.previous = line::digest(text);
                return Judgement { wrong: vec![error.to_string()], ..Judgement::default() };
            }
        };
        let mut judged = Judgement { wrong: self.out_of_order(&line), ..Judgement::default() };
        if line.n != number {
            judged.unchained.push(format!("its number is {}, not {number}", line.n));
        }
        if line.previous != self.previous {
            let before = if number == 1 { "result.tsv".to_owned() } else { format!("line {}", number - 1) };
            judged.unchained.push(format!("the digest of {before} is {}, not {}", self.previous, line.previous));
        }
        let mut passed = Vec::new();
        if let Some(lost) = self.lost_at {
            judged.open.push(format!("line {lost} could not be carried out"));
        } else {
            match self.claim(&line, visits, &mut judged) {
                Ok(subjects) => passed = subjects,
                Err(why) => {
                    if !judged.wrong.contains(&why) {
                        judged.wrong.push(why);
                    }
                    self.lost_at = Some(number);
                }
            }
        }
        self.note(text, &line, &passed);
        judged.line = Some(line);
        judged
    }

    /// Compares a line with what is dictated, then does what it says; returns the subjects it passed over.
    fn claim(&mut self, line: &Line, visits: Option<&Visits>, judged: &mut Judgement) -> Result<Vec<usize>, String> {
        let leaving = self.recusals.leaving(&line.subject, &line.officer_out)?;
        let (joins, other_subject) = match line.act {
            Act::Exchange => (Some(line.officer_in.clone()), Some(line.other_subject.clone())),
            // Nobody, unless a person of that very name is due.
            Act::Withdraw if line.officer_in == NOBODY && self.recusals.next(leaving) != Some(NOBODY) => (None, None),
            Act::Withdraw => (Some(line.officer_in.clone()), None),
        };
        let change = Change {
            act: line.act,
            role: leaving.role,
            subject: line.subject.clone(),
            out: line.officer_out.clone(),
            joins,
            other_subject,
        };
        let visited = |subject: &str| visits.and_then(|visits| visits.get(subject)).is_some_and(|at| *at <= line.time);
        let found = self.recusals.examine(leaving, &change, visits.map(|_| &visited as &dyn Fn(&str) -> bool));
        if found.open {
            judged.open.push("the files that decide who comes next are withheld".to_owned());
        }
        if found.wrong.is_empty() && visits.is_none() && !found.passed.is_empty() {
            let mut subjects: Vec<&str> = found.passed.iter().map(|&at| self.recusals.roster.key(at)).collect();
            subjects.dedup();
            judged.open.push(format!("it is right only if visited by then were {}", subjects.join(", ")));
        }
        let wrong = !found.wrong.is_empty();
        judged.wrong.extend(found.wrong);
        self.recusals.roster.apply(&change)?;
        Ok(if wrong { Vec::new() } else { found.passed })
    }

    /// What is wrong with a line's time, reason and people, whatever it does.
    fn out_of_order(&self, line: &Line) -> Vec<String> {
        let mut wrong = Vec::new();
        if line.time < self.since {
            wrong.push(format!("its time {} is before {}", line.time, self.since));
        }
        if line.act == Act::Exchange && [ILLNESS, TRANSFER].contains(&line.reason.as_str()) {
            wrong.push(format!("who leaves for {} takes nobody's place: a WITHDRAW it must be", line.reason));
        }
        if line.approved_by == line.officer_out {
            wrong.push(format!("{} decided about itself", line.approved_by));
        }
        if line.approved_by == line.asked_by {
            wrong.push(format!("{} asked and decided", line.approved_by));
        }
        wrong
    }

    fn note(&mut self, text: &str, line: &Line, passed: &[usize]) {
        self.n += 1;
        self.previous = line::digest(text);
        self.since = line.time.clone().max(self.since.clone());
        for &subject in passed {
            self.recusals.passed.entry(subject).or_insert(self.n);
        }
    }

    /// Lines so far.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.n
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.n == 0
    }

    /// `SHA-256(lines(line n))`; before any line the digest of `result.tsv`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.previous
    }

    /// The text whose signature is the log's head; none before any line.
    #[must_use]
    pub fn head_text(&self, statement: &Digest) -> Option<String> {
        (self.n > 0).then(|| log_text(statement, self.n, &self.previous))
    }

    /// The teams as they stand after the last line.
    #[must_use]
    pub fn recusals(&self) -> &Recusals<'a> {
        &self.recusals
    }
}
