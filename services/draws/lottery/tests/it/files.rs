//! What a draw is made from: files that are not of their exact form are refused with the line that is wrong, and a draw
//! is stated and revealed only from what it says it is (art. 10, 11, 15).

use lottery::{
    Digest, Error, Secret, Time,
    entries::{check_entries, entries},
    frozen::{
        Exclusion, Exclusions, FrozenFiles, LeftOut, Person, Subject, Subjects, Table, in_both, parse_left_out,
        parse_people,
    },
    hash::Tickets,
    merkle,
    reveal::reveal,
    rules::Quota,
    select::{Selector, select},
    statement::{Intent, state},
    testing::{Dice, Draw, Shape},
};

fn wrong<T: std::fmt::Debug>(result: Result<T, Error>, line: u64, why: &str) {
    let error = result.unwrap_err();
    assert!(matches!(&error, Error::Line { line: at, .. } if *at == line), "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

const SALT: &str = "00112233445566778899aabbccddeeff";

#[test]
fn a_wrong_line_of_the_pool_is_named() {
    let parse = |text: &'static str| Subjects::parse(text.as_bytes(), false);
    assert_eq!(parse("a\tA\td\nb\tA\td\n").unwrap().len(), 2);
    assert!(parse("").unwrap().is_empty());
    assert!(parse("a\tA\td").unwrap_err().to_string().contains("does not end with LF"));
    wrong(parse("a\tA\td\nb\tA\n"), 2, "2 columns instead of 3");
    wrong(parse("a\tA\td\tx\n"), 1, "4 columns instead of 3");
    wrong(parse("b\tA\td\na\tA\td\n"), 2, "not in sorted order");
    wrong(parse("a\tA\td\na\tB\td\n"), 2, "stands in two lines");
    wrong(parse("a\t\td\n"), 1, "stratum");
    wrong(parse("a\tA\td \n"), 1, "district");
    wrong(parse("a\r\tA\td\n"), 1, "key");
    wrong(parse("企业\tA\td\n"), 1, "key");
    wrong(parse("a\tA\td\n\n"), 2, "1 columns");
    wrong(parse("\n"), 1, "1 columns");
    wrong(parse("a\tA\td\0\n"), 1, "district");
}

#[test]
fn a_wrong_line_far_down_a_large_pool_is_named() {
    let lines: Vec<String> = (0..200_000).map(|at| format!("91410200DEMO{at:06}\tA\t410202\n")).collect();
    let file = lines.concat();
    assert_eq!(Subjects::parse(file.as_bytes(), false).unwrap().len(), 200_000);
    for at in [1_usize, 60_000, 123_456, 199_999] {
        let mut twice = lines.clone();
        twice.insert(at, lines[at - 1].clone());
        let twice = twice.concat();
        wrong(Subjects::parse(twice.as_bytes(), false), at as u64 + 1, "stands in two lines");
        let mut swapped = lines.clone();
        swapped.swap(at, at - 1);
        let swapped = swapped.concat();
        wrong(Subjects::parse(swapped.as_bytes(), false), at as u64 + 1, "not in sorted order");
    }
}

#[test]
fn a_withheld_table_ends_its_lines_with_salt() {
    let salted = format!("a\tA\td\t{SALT}\n");
    assert_eq!(Subjects::parse(salted.as_bytes(), true).unwrap().len(), 1);
    wrong(Subjects::parse(salted.as_bytes(), false), 1, "4 columns instead of 3");
    wrong(Subjects::parse(b"a\tA\td\n", true), 1, "3 columns instead of 4");
    for bad in [&SALT[1..], &SALT.to_uppercase(), &format!("{SALT}0"), "x"] {
        wrong(Subjects::parse(format!("a\tA\td\t{bad}\n").as_bytes(), true), 1, "32 lower-case hex digits");
    }
    let mut dice = Dice::new(3);
    let mut salts = || dice.bytes::<16>();
    let mut table = Table::<LeftOut>::withheld(&mut salts);
    table.push(&LeftOut { key: "b", reason: "R" }).unwrap();
    table.push(&LeftOut { key: "a", reason: "R" }).unwrap();
    let file = table.finish().unwrap();
    assert_eq!(parse_left_out(&file, true), Ok(2));
    assert!(parse_left_out(&file, false).is_err());
}

#[test]
fn people_and_exclusions_are_read_strictly() {
    let people = |text: &'static str| parse_people("officers.tsv", text.as_bytes(), false);
    let one = &people("p\tu\td,e\t\n").unwrap()[0];
    assert_eq!((one.districts.as_slice(), one.specialties.len()), (&["d".to_owned(), "e".to_owned()][..], 0));
    wrong(people("p\tu\te,d\t\n"), 1, "not sorted");
    wrong(people("p\tu\td,d\t\n"), 1, "not sorted");
    wrong(people("p\tu\td,\t\n"), 1, "district");
    wrong(people("p\tu\t,d\t\n"), 1, "district");
    wrong(people("p\t\td\t\n"), 1, "unit");
    wrong(people("p\tu\td\n"), 1, "3 columns");

    let exclusions = |text: &'static str| Exclusions::parse(text.as_bytes(), false);
    let read = exclusions("p\ta\tself\np\tb\tself\nq\ta\tself\n").unwrap();
    assert!(read.contains("p", "a") && read.contains("q", "a") && !read.contains("q", "b"));
    wrong(exclusions("p\ta\tself\np\ta\tother\n"), 2, "stands in two lines");
    wrong(exclusions("p\tb\tself\np\ta\tself\n"), 2, "not in sorted order");
}

#[test]
fn a_table_writes_what_its_reader_accepts() {
    let mut table = Table::<Person>::new();
    table.push(&Person { key: "q", unit: "u", districts: &["e", "d", "e"], specialties: &["food"] }).unwrap();
    table.push(&Person { key: "p", unit: "u", districts: &[], specialties: &[] }).unwrap();
    assert!(table.push(&Person { key: "r r", unit: "u", districts: &[], specialties: &[] }).is_err());
    assert!(table.push(&Person { key: "r", unit: "u", districts: &["a,b"], specialties: &[] }).is_err());
    let file = table.finish().unwrap();
    assert_eq!(file, b"p\tu\t\t\nq\tu\td,e\tfood\n");
    assert_eq!(parse_people("officers.tsv", &file, false).unwrap().len(), 2);

    let mut twice = Table::<Subject>::new();
    for stratum in ["A", "B"] {
        twice.push(&Subject { key: "a", stratum, district: "d" }).unwrap();
    }
    assert!(twice.finish().unwrap_err().to_string().contains("a stands in two lines"));
    let mut pairs = Table::<Exclusion>::new();
    pairs.push(&Exclusion { person: "p", subject: "a", declared_by: "x" }).unwrap();
    pairs.push(&Exclusion { person: "p", subject: "b", declared_by: "x" }).unwrap();
    pairs.push(&Exclusion { person: "p", subject: "a", declared_by: "y" }).unwrap();
    assert!(pairs.finish().is_err());
}

#[test]
fn a_firm_finds_its_line_and_proves_it() {
    let draw = Draw::random(11, &Shape { subjects: 137, ..Shape::default() }).unwrap();
    let subjects = Subjects::parse(draw.frozen().subjects, false).unwrap();
    for (index, subject) in subjects.iter().enumerate() {
        let (at, line) = subjects.find(subject.key).unwrap();
        assert_eq!(at, index as u64);
        merkle::prove(subjects.bytes(), at).unwrap().check(&draw.stated.statement.merkle_root, line).unwrap();
    }
    for absent in ["0", "91410200DEMO000000x", "zzz", ""] {
        assert_eq!(subjects.find(absent), None);
    }
    assert_eq!(Subjects::parse(b"", false).unwrap().find("a"), None);
}

#[test]
fn nobody_is_both_in_the_pool_and_left_out() {
    assert_eq!(in_both(b"a\tA\td\nc\tA\td\n", b"b\tR\nc\tR\n"), Some(&b"c"[..]));
    assert_eq!(in_both(b"a\tA\td\nc\tA\td\n", b"b\tR\nd\tR\n"), None);
    let draw = Draw::random(1, &Shape::default()).unwrap();
    let key = draw.reveal.rows[0].key.clone();
    let mut left_out = Table::<LeftOut>::new();
    left_out.push(&LeftOut { key: &key, reason: "BUDGET_SPENT" }).unwrap();
    let left_out = left_out.finish().unwrap();
    let files = FrozenFiles { left_out: &left_out, ..draw.frozen() };
    assert!(state(&files, &draw.intent, &draw.secret).unwrap_err().to_string().contains(&key));
}

#[test]
fn a_draw_is_not_stated_in_a_wrong_order_of_times() {
    let draw = Draw::random(1, &Shape::default()).unwrap();
    let time = |text: &str| Time::parse(text).unwrap();
    type Break = fn(&mut Intent, Time);
    let breaks: [(&str, Break); 6] = [
        ("stated_at", |intent, at| intent.stated_at = at),
        ("entries_close", |intent, at| intent.entries_close = at),
        ("beacon_at", |intent, at| intent.beacon_at = Some(at)),
        ("reveal_by", |intent, at| intent.reveal_by = at),
        ("null", |intent, _| intent.beacon_at = None),
        ("not the number", |intent, _| intent.draw_id = "draws/1".into()),
    ];
    let at = ["2026-09-02T08:00:00Z", "2026-09-03T08:00:00Z", "2026-09-02T08:00:00Z", "2026-09-02T08:00:00Z", "", ""];
    for ((message, change), at) in breaks.into_iter().zip(at) {
        let mut intent = draw.intent.clone();
        change(&mut intent, if at.is_empty() { draw.revealed_at.clone() } else { time(at) });
        let error = state(&draw.frozen(), &intent, &draw.secret).unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
    assert_eq!(state(&draw.frozen(), &draw.intent, &draw.secret).unwrap(), draw.stated);
}

#[test]
fn a_draw_is_revealed_only_from_what_was_stated() {
    let draw = Draw::random(1, &Shape::default()).unwrap();
    let again = |files: &FrozenFiles, secret: &Secret, values: &[String], at: &str| {
        reveal(files, &draw.stated.bytes, secret, values, &Time::parse(at).unwrap()).map_err(|error| error.to_string())
    };
    let at = draw.revealed_at.as_str();
    let files = draw.frozen();
    assert_eq!(again(&files, &draw.secret, &draw.values, at).unwrap(), draw.reveal);
    assert!(again(&files, &Secret::new([0; 32]), &draw.values, at).unwrap_err().contains("committed"));
    assert!(again(&files, &draw.secret, &draw.values[1..], at).unwrap_err().contains("2 values for 3"));
    assert!(again(&files, &draw.secret, &draw.values, "2026-09-02T08:00:00Z").is_err());
    assert!(again(&files, &draw.secret, &draw.values, "2026-09-03T08:00:01Z").is_err());
    for file in 0..6 {
        let mut other = draw.frozen();
        let changed = Draw::random(2, &Shape { subjects: 201, left_out: 31, ..Shape::default() }).unwrap();
        let from = changed.frozen();
        match file {
            0 => other.subjects = from.subjects,
            1 => other.left_out = from.left_out,
            2 => other.officers = from.officers,
            3 => other.experts = from.experts,
            4 => other.exclusions = from.exclusions,
            _ => other.rules = from.rules,
        }
        assert!(
            again(&other, &draw.secret, &draw.values, at).unwrap_err().contains("is not the file that was stated"),
            "{file}"
        );
    }
}

#[test]
fn an_entry_is_of_its_contributor_and_form() {
    let draw = Draw::random(1, &Shape::default()).unwrap();
    let rules = &draw.rules;
    assert_eq!(rules.entry(0, "3 1 6").unwrap(), "1\tdice-on-camera\t3 1 6");
    for bad in ["", "a\tb", "a\n", "a/b"] {
        assert!(rules.entry(0, bad).is_err(), "{bad:?}");
    }
    assert!(rules.entry(2, "3 1 6").unwrap_err().to_string().contains("six red numbers"));
    assert!(rules.entry(3, "1").is_err());
    let good = entries(rules, &draw.values).unwrap();
    assert_eq!(check_entries(rules, &good), Ok(()));
    let changed = |change: fn(&mut Vec<String>)| {
        let mut entries = good.clone();
        change(&mut entries);
        check_entries(rules, &entries).unwrap_err().to_string()
    };
    assert!(changed(|entries| drop(entries.pop())).contains("entry 3 of lottery:demo:2026135 is missing"));
    assert!(changed(|entries| entries.swap(0, 1)).contains("entry 1 bears the number \"2\""));
    assert!(changed(|entries| entries.push("4\tx\t1".into())).contains("one too many"));
    assert!(
        changed(|entries| entries[1] = entries[1].replace("notary-li", "notary-wu")).contains("not from notary-li")
    );
    assert!(changed(|entries| entries[0] = "1".into()).contains("is not `i TAB"));
}

#[test]
fn a_pool_of_other_strata_than_counted_is_refused() {
    let file = b"a\tA\td\nb\tB\td\n";
    let subjects = Subjects::parse(file, false).unwrap();
    let tickets = Tickets::new(&Digest::of(b"seed"));
    let quotas = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), Quota::Count(1))).collect();
    assert_eq!(select(&subjects, &quotas(&["A", "B"]), tickets).unwrap().drawn.len(), 2);
    assert!(select(&subjects, &quotas(&["A"]), tickets).is_err());
    assert!(select(&subjects, &quotas(&["A", "B", "C"]), tickets).is_err());
    let mut selector = Selector::new(subjects.strata(), &quotas(&["A", "B"]), tickets).unwrap();
    assert!(selector.feed(b"c\tC\td\n").is_err());
    selector.feed(b"a\tA\td\n").unwrap();
    assert!(selector.finish().unwrap_err().to_string().contains("stratum B has 0 subjects, not 1"));
}
