//! Whatever is changed in a log of recusals is noticed and named (art. 16): lines dropped, added, swapped and edited,
//! chained anew by whoever writes the log, and signed anew by the operator itself.

use std::collections::BTreeSet;

use lottery::{
    Digest, Time,
    recusal::{Act, Asked, Head, ILLNESS, Line, Log, Visits, log_text},
    sign::sign,
    testing::{Dice, Draw, KID, Shape, jwks, signing_key},
    verify::{GivenLog, LOG_LINES_MAX, Options, Report, Verdict, verify_with_log},
};

use crate::{
    recusal::{Files, random_acts, wish},
    tampering::{expect, failing},
};

/// A draw whose log has both acts, an empty place, and a partner passed over because its subject was visited.
struct Case {
    draw: Draw,
    lines: Vec<String>,
    visits: Visits,
}

fn case() -> &'static Case {
    static CASE: std::sync::OnceLock<Case> = std::sync::OnceLock::new();
    CASE.get_or_init(|| {
        let shape =
            Shape { subjects: 40, strata: 2, districts: 2, units: 2, officers: 3, experts: 4, ..Shape::default() };
        for seed in 1.. {
            let draw = Draw::random(seed, &shape).unwrap();
            let files = Files::of(&draw);
            let mut log = files.log(&draw);
            let (lines, visits) = random_acts(&mut log, &mut Dice::new(seed), 14);
            let mut judge = files.log(&draw);
            let passes = lines.iter().filter(|line| !judge.judge(line, None).open.is_empty()).count();
            let has = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
            if lines.len() == 14
                && has("\tEXCHANGE\t") >= 4
                && has("\tWITHDRAW\t") >= 4
                && has("\t-\t-\t") >= 1
                && passes >= 1
            {
                println!("log of seed {seed}");
                return Case { draw, lines, visits };
            }
        }
        unreachable!()
    })
}

impl Case {
    fn files(&self) -> Files {
        Files::of(&self.draw)
    }

    fn statement(&self) -> Digest {
        Digest::of(&self.draw.files["statement.json"])
    }

    fn head(&self, lines: &[String]) -> Vec<u8> {
        let digest = Digest::of(format!("{}\n", lines.last().unwrap()).as_bytes());
        let n = lines.len() as u64;
        let signature = sign(KID, &signing_key(), &log_text(&self.statement(), n, &digest));
        Head { digest, n, signature }.to_bytes().unwrap()
    }

    fn visits_tsv(&self) -> Vec<u8> {
        self.visits.iter().flat_map(|(key, time)| format!("{key}\t{time}\n").into_bytes()).collect()
    }

    fn recheck(&self, lines: &[String], head: &[u8]) -> Report {
        let bytes: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
        self.recheck_bytes(&bytes, head)
    }

    fn recheck_bytes(&self, bytes: &[u8], head: &[u8]) -> Report {
        let (keys, visits) = (jwks(), self.visits_tsv());
        let given = GivenLog { lines: bytes, head: Some(head), visits: Some(&visits) };
        let options = Options { jwks: Some(&keys), demo: true, ..Options::default() };
        verify_with_log(self.draw.bundle().unwrap().as_slice(), &options, Some(&given))
    }
}

/// Numbers and chains the lines anew, as whoever writes the log can.
fn rechain(draw: &Draw, lines: &[String]) -> Vec<String> {
    let mut previous = Digest::of(&draw.reveal.result_tsv);
    let mut out = Vec::new();
    for (line, n) in lines.iter().zip(1..) {
        let mut line = Line::parse(line).unwrap();
        (line.n, line.previous) = (n, previous);
        previous = line.digest();
        out.push(line.to_string());
    }
    out
}

fn edited(lines: &[String], at: usize, column: usize, text: &str) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut columns: Vec<&str> = lines[at].split('\t').collect();
    columns[column] = text;
    lines[at] = columns.join("\t");
    lines
}

#[test]
fn the_untouched_log_is_verified() {
    let case = case();
    let report = case.recheck(&case.lines, &case.head(&case.lines));
    assert_eq!(report.verdict, Verdict::Verified, "{:#}", report.to_json());
    let acts = report.checks.iter().filter(|check| check.id == "log_act").count();
    assert_eq!(acts, case.lines.len(), "each line has its own verdict");
    assert!(report.notes.iter().any(|note| note.id == "log" && note.message.contains("places empty")));
}

#[test]
fn a_line_dropped_doubled_or_moved_breaks_the_chain() {
    let case = case();
    let head = case.head(&case.lines);
    for at in 0..case.lines.len() {
        let mut fewer = case.lines.clone();
        fewer.remove(at);
        let last = at + 1 == case.lines.len();
        expect(&case.recheck(&fewer, &head), if last { &["log_head log"] } else { &["log_chain log"] });
        let mut twice = case.lines.clone();
        twice.insert(at, case.lines[at].clone());
        expect(&case.recheck(&twice, &head), &["log_chain log"]);
        if !last {
            let mut swapped = case.lines.clone();
            swapped.swap(at, at + 1);
            expect(&case.recheck(&swapped, &head), &["log_chain log"]);
        }
    }
}

#[test]
fn an_edited_line_is_named_by_the_line_after_it_or_by_the_head() {
    let case = case();
    let head = case.head(&case.lines);
    for at in 0..case.lines.len() {
        let last = at + 1 == case.lines.len();
        for (column, text) in [(1, "2026-09-10T23:00:00Z"), (7, "OTHER"), (8, "office:2"), (9, "head:2")] {
            let forged = edited(&case.lines, at, column, text);
            expect(&case.recheck(&forged, &head), if last { &["log_head log"] } else { &["log_chain log"] });
            // Chained anew, the head that was public at once still tells.
            expect(&case.recheck(&rechain(&case.draw, &forged), &head), &["log_head log"]);
        }
    }
}

#[test]
fn whoever_comes_instead_of_the_one_dictated_is_refused_by_name() {
    let case = case();
    let files = case.files();
    let everyone: BTreeSet<&str> =
        files.officers.iter().chain(&files.experts).map(|one| one.key.as_str()).chain(["-", "nobody"]).collect();
    let subjects: Vec<&str> = case.draw.reveal.rows.iter().map(|row| row.key.as_str()).collect();
    let mut log = files.log(&case.draw);
    let mut tried = 0;
    for (at, text) in case.lines.iter().enumerate() {
        let line = Line::parse(text).unwrap();
        let others: Vec<&str> =
            if line.act == Act::Exchange { subjects.clone() } else { vec![line.other_subject.as_str()] };
        for joins in &everyone {
            for other in &others {
                if (*joins, *other) == (line.officer_in.as_str(), line.other_subject.as_str()) {
                    continue;
                }
                let forged =
                    Line { officer_in: (*joins).to_owned(), other_subject: (*other).to_owned(), ..line.clone() };
                let judged = log.clone().judge(&forged.to_string(), Some(&case.visits));
                assert!(judged.unchained.is_empty() && !judged.wrong.is_empty(), "{forged}: {judged:?}");
                tried += 1;
            }
        }
        // Signed by the operator itself, and chained anew: the line is named.
        let other = everyone.iter().find(|one| ![line.officer_in.as_str(), "-", "nobody"].contains(one)).unwrap();
        let forged = rechain(&case.draw, &edited(&case.lines, at, 5, other));
        expect(&case.recheck(&forged, &case.head(&forged)), &[&format!("log_act line {}", at + 1)]);
        assert!(log.judge(text, Some(&case.visits)).stands());
    }
    assert!(tried > 500, "{tried}");
}

#[test]
fn an_exchange_becomes_no_withdrawal_and_a_withdrawal_no_exchange_unseen() {
    let case = case();
    let files = case.files();
    let mut log = files.log(&case.draw);
    let mut tried = 0;
    for (at, text) in case.lines.iter().enumerate() {
        let line = Line::parse(text).unwrap();
        let forged = if line.act == Act::Exchange {
            let due = log.recusals().decide(Act::Withdraw, &line.subject, &line.officer_out, |_| false).unwrap();
            // The partner would come without anybody going to its own subject, unless it is next all the same.
            let next = due.joins.as_deref() == Some(line.officer_in.as_str());
            (!next).then(|| edited(&edited(&case.lines, at, 2, "WITHDRAW"), at, 6, "-"))
        } else {
            Some(edited(&edited(&case.lines, at, 2, "EXCHANGE"), at, 6, &line.subject))
        };
        if let Some(forged) = forged {
            let forged = rechain(&case.draw, &forged);
            expect(&case.recheck(&forged, &case.head(&forged)), &[&format!("log_act line {}", at + 1)]);
            tried += 1;
        }
        log.judge(text, Some(&case.visits));
    }
    assert!(tried > 6, "{tried}");
}

#[test]
fn a_line_in_another_form_is_refused() {
    let case = case();
    let head = case.head(&case.lines);
    let last = case.lines.len() - 1;
    let cases: [(usize, usize, &str); 11] = [
        (0, 0, "01"),
        (0, 0, "one"),
        (0, 1, "2026-09-10 09:00:00"),
        (0, 2, "REPLACE"),
        (0, 3, "a b"),
        (0, 4, ""),
        (0, 7, "because,"),
        (0, 10, "0000"),
        (0, 10, &format!("{}\tx", case.lines[0].rsplit('\t').next().unwrap())),
        (last, 9, "王"),
        (last, 8, " "),
    ];
    for (at, column, text) in cases {
        let forged = edited(&case.lines, at, column, text);
        expect(&case.recheck(&forged, &head), &[&format!("log_act line {}", at + 1)]);
    }
    let flood = "\n".repeat(LOG_LINES_MAX + 1).into_bytes();
    expect(&case.recheck_bytes(&flood, &head), &["log_format log"]);
    let bytes = case.lines.join("\n").into_bytes();
    expect(&case.recheck_bytes(&bytes, &head), &["log_format log"]);
    let mut latin = format!("{}\n", case.lines.join("\n")).into_bytes();
    latin[5] = 0xff;
    expect(&case.recheck_bytes(&latin, &head), &["log_format log"]);
    let crlf = format!("{}\r\n", case.lines.join("\r\n")).into_bytes();
    expect(&case.recheck_bytes(&crlf, &head), &["log_act line 1"]);
}

#[test]
fn every_changed_byte_is_noticed() {
    let case = case();
    let head = case.head(&case.lines);
    let bytes = format!("{}\n", case.lines.join("\n")).into_bytes();
    let mut dice = Dice::new(1);
    for at in (0..bytes.len()).step_by(5) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << dice.below(8);
        let report = case.recheck_bytes(&changed, &head);
        assert_eq!(report.verdict, Verdict::NotVerified, "byte {at}");
        assert!(failing(&report).iter().all(|name| name.starts_with("log_")), "byte {at}: the log alone is wrong");
        let mut fewer = bytes.clone();
        fewer.remove(at);
        assert_eq!(case.recheck_bytes(&fewer, &head).verdict, Verdict::NotVerified, "byte {at} dropped");
    }
}

#[test]
fn times_and_people_are_in_order() {
    let case = case();
    let own = |at: usize, column: usize| case.lines[at].split('\t').nth(column).unwrap().to_owned();
    let out = own(1, 4);
    for (at, column, text) in
        [(0, 1, "2026-09-02T12:59:59Z"), (2, 1, "2026-09-10T09:00:59Z"), (1, 9, out.as_str()), (1, 9, "office:1")]
    {
        let forged = rechain(&case.draw, &edited(&case.lines, at, column, text));
        expect(&case.recheck(&forged, &case.head(&forged)), &[&format!("log_act line {}", at + 1)]);
    }
    let exchange = case.lines.iter().position(|line| line.contains("\tEXCHANGE\t")).unwrap();
    let forged = rechain(&case.draw, &edited(&case.lines, exchange, 7, ILLNESS));
    expect(&case.recheck(&forged, &case.head(&forged)), &[&format!("log_act line {}", exchange + 1)]);
}

#[test]
fn the_head_is_signed_over_this_draw_by_a_key_for_it() {
    let case = case();
    let n = case.lines.len() as u64;
    let digest = Digest::of(format!("{}\n", case.lines.last().unwrap()).as_bytes());
    let head = |statement: Digest, n: u64, digest: Digest| {
        let signature = sign(KID, &signing_key(), &log_text(&statement, n, &digest));
        Head { digest, n, signature }
    };
    for (wrong, what) in [
        (head(Digest::of(b"another draw"), n, digest), "another draw"),
        (head(case.statement(), n + 1, digest), "a later head: a line was dropped"),
        (head(case.statement(), n, Digest::of(b"another line")), "another line"),
        (head(case.statement(), 0, digest), "no line"),
        (Head { n: n - 1, ..head(case.statement(), n, digest) }, "another number"),
    ] {
        let report = case.recheck(&case.lines, &wrong.to_bytes().unwrap());
        assert_eq!(failing(&report), ["log_head log"], "{what}");
    }
    let earlier = case.recheck(&case.lines, &case.head(&case.lines[..3]));
    assert_eq!(earlier.verdict, Verdict::Partly, "lines after an older head are not covered by it");

    let (head, keys) = (case.head(&case.lines), jwks());
    let bytes: Vec<u8> = case.lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
    let given = GivenLog { lines: &bytes, head: Some(&head), visits: None };
    let bundle = case.draw.bundle().unwrap();
    let no_demo =
        verify_with_log(bundle.as_slice(), &Options { jwks: Some(&keys), ..Options::default() }, Some(&given));
    assert!(failing(&no_demo).contains(&"log_head log".to_owned()));
    let no_visits = Options { jwks: Some(&keys), demo: true, ..Options::default() };
    let no_visits = verify_with_log(bundle.as_slice(), &no_visits, Some(&given));
    assert_eq!(no_visits.verdict, Verdict::Partly, "whom an exchange passed over stays open without the visits");
    assert!(no_visits.checks.iter().any(|check| check.id == "log_act" && check.message.contains("visited by then")));
}

#[test]
fn what_the_public_files_allow_is_checked_where_others_are_withheld() {
    let withheld = ["exclusions.tsv", "experts.tsv", "officers.tsv", "subjects.tsv"].map(ToOwned::to_owned).to_vec();
    let shape = Shape { subjects: 40, districts: 1, officers: 5, withheld, ..Shape::default() };
    let mut exchanges = 0;
    for seed in 0..12 {
        let draw = Draw::random(seed, &shape).unwrap();
        let files = Files::of(&draw);
        let (lines, visits) = random_acts(&mut files.log(&draw), &mut Dice::new(seed), 8);
        if lines.is_empty() {
            continue;
        }
        let case = Case { draw, lines, visits };
        let report = case.recheck(&case.lines, &case.head(&case.lines));
        assert_eq!(report.verdict, Verdict::Partly, "{:#}", report.to_json());
        let acts = report.checks.iter().filter(|check| check.id == "log_act");
        assert!(acts.clone().all(|check| check.ok.is_none()), "no act is called right that nobody could check");

        let placed = |row: &&lottery::reveal::ResultRow| row.officers.len() > 1;
        let Some(row) = case.draw.reveal.rows.iter().find(placed) else { continue };
        let line = Line::parse(&case.lines[0]).unwrap();
        let already = edited(&edited(&case.lines[..1], 0, 3, &row.key), 0, 4, &row.officers[0]);
        let already = edited(&edited(&edited(&already, 0, 2, "WITHDRAW"), 0, 5, &row.officers[1]), 0, 6, "-");
        let stranger = edited(&case.lines[..1], 0, 4, "stranger");
        let undrawn = edited(&case.lines[..1], 0, 3, "elsewhere");
        for (forged, why) in [(already, "is already with"), (stranger, "is not with"), (undrawn, "was not drawn")] {
            let report = case.recheck(&forged, &case.head(&forged));
            expect(&report, &["log_act line 1"]);
            assert!(report.failed().any(|check| check.message.contains(why)), "{why}: {:#}", report.to_json());
        }
        if line.act == Act::Exchange {
            exchanges += 1;
            let forged = edited(&case.lines[..1], 0, 5, "stranger");
            expect(&case.recheck(&forged, &case.head(&forged)), &["log_act line 1"]);
        }
    }
    assert!(exchanges > 0);
}

#[test]
fn visits_decide_whom_an_exchange_passes_over() {
    let case = case();
    let files = case.files();
    let mut log = files.log(&case.draw);
    let mut noticed = 0;
    for text in &case.lines {
        let line = Line::parse(text).unwrap();
        let judged = |visits: &Visits| log.clone().judge(text, Some(visits));
        if line.act == Act::Exchange && log.clone().judge(text, None).open.len() == 1 {
            assert!(!judged(&Visits::new()).wrong.is_empty(), "{text}: nobody was visited");
            noticed += 1;
        }
        let mut visits = case.visits.clone();
        visits.insert(line.subject.clone(), line.time.clone());
        assert!(judged(&visits).wrong.iter().any(|why| why.contains("was visited")), "{text}");
        if line.act == Act::Exchange {
            let mut visits = case.visits.clone();
            visits.insert(line.other_subject.clone(), line.time.clone());
            assert!(judged(&visits).wrong.iter().any(|why| why.contains("was visited")), "{text}");
        }
        log.judge(text, Some(&case.visits));
    }
    assert!(noticed >= 1);
}

#[test]
fn who_was_passed_over_as_visited_stays_visited() {
    let case = case();
    let files = case.files();
    let mut log: Log = files.log(&case.draw);
    let marked = case.lines.iter().find_map(|text| {
        let judged = log.judge(text, None);
        let why = judged.open.first()?;
        Some(why.rsplit(' ').next().unwrap().to_owned())
    });
    let subject = marked.expect("the case passes somebody over");
    let roster = log.recusals().roster().of(&subject).unwrap();
    let out = roster.officers.iter().flatten().next().unwrap().clone();
    let asked = wish(Act::Withdraw, &subject, &out, 50);
    let error = log.clone().act(&asked, |_| false).unwrap_err();
    assert!(error.to_string().contains("was visited"), "{error}");
    let line = Line {
        n: log.len() + 1,
        time: asked.time,
        act: Act::Withdraw,
        subject,
        officer_out: out,
        officer_in: "-".to_owned(),
        other_subject: "-".to_owned(),
        reason: "RELATIVE".to_owned(),
        asked_by: "office:1".to_owned(),
        approved_by: "head:1".to_owned(),
        previous: log.digest(),
    };
    let judged = log.judge(&line.to_string(), None);
    assert!(judged.wrong.iter().any(|why| why.contains("was passed over as visited in line")), "{judged:?}");
}

#[test]
fn an_act_is_refused_before_anything_changes() {
    let case = case();
    let files = case.files();
    let mut log = files.log(&case.draw);
    let row = case.draw.reveal.rows.iter().find(|row| !row.officers.is_empty()).unwrap();
    let (subject, out) = (row.key.as_str(), row.officers[0].as_str());
    let good = wish(Act::Exchange, subject, out, 0);
    let early = Time::parse("2026-09-02T12:59:59Z").unwrap();
    let refused = [
        (Asked { subject: "elsewhere".to_owned(), ..good.clone() }, "was not drawn"),
        (Asked { out: "stranger".to_owned(), ..good.clone() }, "is not with"),
        (Asked { reason: "two words".to_owned(), ..good.clone() }, "is not a name"),
        (Asked { reason: ILLNESS.to_owned(), ..good.clone() }, "takes nobody's place"),
        (Asked { approved_by: out.to_owned(), ..good.clone() }, "decided about itself"),
        (Asked { approved_by: "office:1".to_owned(), ..good.clone() }, "asked and decided"),
        (Asked { time: early, ..good.clone() }, "is before"),
    ];
    for (asked, why) in refused {
        let error = log.act(&asked, |_| false).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
        assert!(log.is_empty() && log.head_text(&case.statement()).is_none());
    }
    assert!(log.act(&good, |key| key == subject).unwrap_err().to_string().contains("was visited"));
    log.act(&good, |_| false).unwrap();
    assert_eq!(log.len(), 1);
    assert!(log.act(&good, |_| false).unwrap_err().to_string().contains("is not with"), "who left is not there");
}

#[test]
fn a_whole_team_can_leave_until_nobody_is_left() {
    let case = case();
    let files = case.files();
    let mut log = files.log(&case.draw);
    let subject = &case.draw.reveal.rows.iter().find(|row| !row.officers.is_empty()).unwrap().key;
    let mut gone = BTreeSet::new();
    while let Some(out) = log.recusals().roster().of(subject).unwrap().officers.iter().flatten().next().cloned() {
        log.act(&wish(Act::Withdraw, subject, &out, 0), |_| false).unwrap();
        assert!(gone.insert(out.clone()), "{out} came back");
        assert!(gone.len() <= files.officers.len());
    }
    assert!(gone.len() > 1);
}
