use encoding_rs::GB18030;
use proptest::prelude::*;

use super::*;

fn columns() -> Vec<Column> {
    vec![
        Column::new("name", "名称").required(),
        Column::new("code", " 代码 "),
        Column::new("change", "增减").number().optional(),
    ]
}

fn read(bytes: &[u8]) -> Vec<Entry> {
    read_with(bytes, None, Limits::default())
}

fn read_with(bytes: &[u8], encoding: Option<Encoding>, limits: Limits) -> Vec<Entry> {
    Sheet::open(bytes, encoding, &columns(), limits).unwrap().map(|entry| entry.unwrap()).collect()
}

fn row(line: u64, values: [&str; 3]) -> Entry {
    Entry::Row(Row { line, values: values.map(str::to_owned).to_vec() })
}

/// Line, field and reason of every problem.
fn reasons(entries: &[Entry]) -> Vec<(u64, &str, &str)> {
    let refused = entries.iter().filter_map(|entry| match entry {
        Entry::Row(_) => None,
        Entry::Refused(problems) => Some(problems),
    });
    refused.flatten().map(|problem| (problem.line, problem.field.as_str(), &*problem.reason)).collect()
}

#[test]
fn columns_are_found_by_name_in_any_order_and_encoding() {
    let text = "序号, 代码,名称\r\n1,A1,\"开封,\n某厂\"\r\n\r\n,,\r\n2,,龙亭店\r\n";
    let expected = [row(2, ["开封,\n某厂", "A1", ""]), row(6, ["龙亭店", "", ""])];
    assert_eq!(read(text.as_bytes()), expected);
    assert_eq!(read(format!("\u{feff}{text}").as_bytes()), expected);
    let (gb, ..) = GB18030.encode(text);
    assert_eq!(read(&gb), expected);
    assert_eq!(read_with(&gb, Some(Encoding::Gb18030), Limits::default()), expected);
    let marked = GB18030.encode(&format!("\u{feff}{text}")).0.into_owned();
    assert_eq!(read(&marked), expected);
}

#[test]
fn every_problem_is_named_with_its_line_and_the_good_rows_go_on() {
    let text = "名称,代码,增减\n甲,1,-3.5\n ,2,\n=cmd(),3,+4\n乙,+86,x\n丙\u{7},4,-x\n丁\n戊,5,,\n己,6,7,8\n庚,-,\n";
    let entries = read(text.as_bytes());
    let expected = [
        (3, "name", "MISSING_VALUE"),
        (4, "name", "FORMULA"),
        (5, "code", "FORMULA"),
        (6, "name", "CONTROL_CHARACTER"),
        (6, "change", "FORMULA"),
        (7, "", "WRONG_COLUMN_COUNT"),
        (9, "", "WRONG_COLUMN_COUNT"),
    ];
    assert_eq!(reasons(&entries), expected);
    let good: Vec<&Entry> = entries.iter().filter(|entry| matches!(entry, Entry::Row(_))).collect();
    assert_eq!(good, [&row(2, ["甲", "1", "-3.5"]), &row(8, ["戊", "5", ""]), &row(10, ["庚", "-", ""])]);
}

#[test]
fn wrong_bytes_spoil_their_row_only() {
    let mut bytes = "名称,代码\n开封市,1\n".as_bytes().to_vec();
    bytes.extend(b"\xe5\xff\xe9,2\n");
    bytes.extend("龙亭区,3\n".as_bytes());
    let entries = read(&bytes);
    assert_eq!(reasons(&entries), [(3, "name", "WRONG_ENCODING")]);
    assert_eq!(entries.len(), 3);
    let (gb, ..) = GB18030.encode("名称,代码\n开封市,1\n顺河区,2\n");
    let told_wrong = Sheet::open(&*gb, Some(Encoding::Utf8), &columns(), Limits::default()).err().unwrap();
    assert_eq!(told_wrong.reason(), "BAD_HEADER");
}

#[test]
fn a_file_that_breaks_off_says_where() {
    for (rest, truncated) in [("乙", true), ("乙,\"2", true), ("\"乙", true), ("乙,2", false), ("乙,2\n", false)] {
        let entries = read(format!("名称,代码\n甲,1\n{rest}").as_bytes());
        assert_eq!(entries[0], row(2, ["甲", "1", ""]));
        let expected: &[_] = if truncated { &[(3, "", "TRUNCATED")] } else { &[] };
        assert_eq!(reasons(&entries), expected, "{rest}");
    }
}

#[test]
fn edges_are_reported_and_kept() {
    let limits = Limits { rows_max: 2, row_bytes_max: 100 };
    let text = format!("名称,代码\n{},1\n乙,2\n丙,3\n丁,4\n", "长".repeat(40));
    let entries = read_with(text.as_bytes(), None, limits);
    assert_eq!(reasons(&entries), [(2, "", "LINE_TOO_LONG"), (4, "", "TOO_MANY_ROWS")]);
    assert_eq!(entries[1], row(3, ["乙", "2", ""]));
    assert_eq!(entries.len(), 3, "nothing is read beyond the last row allowed");
    let exact = read_with("名称,代码\n甲,1\n乙,2\n\n".as_bytes(), None, limits);
    assert_eq!(reasons(&exact), []);
}

#[test]
fn values_in_problems_are_clipped() {
    let text = format!("名称,代码\n={},1\n", "长".repeat(5_000));
    let Entry::Refused(problems) = &read(text.as_bytes())[0] else { panic!() };
    assert_eq!(problems[0].value.chars().count(), VALUE_CHARS_MAX);
}

#[test]
fn what_is_no_table_of_ours_is_refused_with_a_reason_and_advice() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "EMPTY_FILE"),
        (b"\n\n\n", "EMPTY_FILE"),
        (b"PK\x03\x04", "WORKBOOK_BROKEN"),
        ("名称;代码\n".as_bytes(), "MISSING_COLUMN"),
        ("名称,代码,名称\n".as_bytes(), "DUPLICATE_COLUMN"),
        ("名称,\"代码\n".as_bytes(), "BAD_HEADER"),
    ];
    for (bytes, reason) in cases {
        let error = Sheet::open(bytes, None, &columns(), Limits::default()).err().unwrap();
        assert_eq!(error.reason(), reason, "{error}");
        assert!(error.zh().contains('请'), "{}", error.zh());
    }
}

#[test]
fn a_reader_that_fails_ends_the_table() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("gone"))
        }
    }
    let head = format!("名称,代码\n{}", "甲,1\n".repeat(20_000));
    let mut sheet = Sheet::open(head.as_bytes().chain(Failing), None, &columns(), Limits::default()).unwrap();
    let failed = sheet.by_ref().position(|entry| entry.is_err()).unwrap();
    assert!(failed > 0);
    assert!(sheet.next().is_none());
}

/// A table of some awkward but good rows, as text, and its rows.
fn tables() -> impl Strategy<Value = (String, Vec<[String; 2]>)> {
    let name = "[a开]([a-z0-9]|[开封市龙亭区𠮷]|[ ,\"\n]){0,6}";
    let code = "[0-9]([a-z0-9]|[开封市龙亭区𠮷]|[ ,\"\n]){0,6}";
    let rows = prop::collection::vec((name, code), 1..8);
    (rows, prop::bool::ANY).prop_map(|(rows, windows)| {
        let rows: Vec<[String; 2]> = rows.into_iter().map(<[String; 2]>::from).collect();
        let ends = if windows { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
        let mut writer = csv::WriterBuilder::new().terminator(ends).from_writer(Vec::new());
        writer.write_record(["名称", "代码"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        (String::from_utf8(writer.into_inner().unwrap()).unwrap(), rows)
    })
}

fn good(entries: &[Entry]) -> Vec<[String; 2]> {
    let rows = entries.iter().filter_map(|entry| match entry {
        Entry::Row(row) => Some([row.get(0).to_owned(), row.get(1).to_owned()]),
        Entry::Refused(_) => None,
    });
    rows.collect()
}

proptest! {
    #[test]
    fn what_was_written_is_read_in_either_encoding((text, rows) in tables()) {
        prop_assert_eq!(&good(&read(text.as_bytes())), &rows);
        let (gb, _, replaced) = GB18030.encode(&text);
        prop_assert!(!replaced);
        prop_assert_eq!(&good(&read_with(&gb, Some(Encoding::Gb18030), Limits::default())), &rows);
    }

    /// However a transfer breaks off, the rows that were complete are kept, and nothing panics.
    #[test]
    fn a_cut_anywhere_keeps_the_rows_before_it((text, rows) in tables(), gb in prop::bool::ANY) {
        let encoding = if gb { Encoding::Gb18030 } else { Encoding::Utf8 };
        let bytes = if gb { GB18030.encode(&text).0.into_owned() } else { text.clone().into_bytes() };
        for cut in 0..bytes.len() {
            let Ok(sheet) = Sheet::open(&bytes[..cut], Some(encoding), &columns(), Limits::default()) else { continue };
            let entries: Vec<Entry> = sheet.map(|entry| entry.unwrap()).collect();
            let found = good(&entries);
            // A cut inside the last cell of a row cannot be told from its end.
            let sure = found.len().saturating_sub(1);
            prop_assert_eq!(&found[..sure], &rows[..sure]);
            let refused = entries.len() - found.len();
            prop_assert!(refused <= 1, "at most the broken row is refused: {:?}", reasons(&entries));
            prop_assert!(entries.len() <= rows.len());
        }
    }

    #[test]
    fn random_bytes_are_read_or_refused_but_never_panic(head in "(名称,代码\n)?", bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut file = head.into_bytes();
        file.extend(bytes);
        let limits = Limits { rows_max: 10, row_bytes_max: 64 };
        if let Ok(sheet) = Sheet::open(&file[..], None, &columns(), limits) {
            for entry in sheet {
                if let Entry::Refused(problems) = entry.unwrap() {
                    prop_assert!(!problems.is_empty());
                }
            }
        }
    }
}
