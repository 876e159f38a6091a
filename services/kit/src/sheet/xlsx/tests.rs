//! Workbooks by others (`fixtures`: openpyxl 3.1 and XlsxWriter 3.2), by hand, and bad ones.

use std::{
    io::{Seek, SeekFrom, Write},
    process::Command,
};

use proptest::prelude::*;

use crate::{
    sheet::{Column, Entry, Error, Format, Limits, Problem, Row, Sheet},
    testing::workbook::{Workbook as Book, Zip, escape, letters},
};

fn columns() -> Vec<Column> {
    vec![
        Column::new("name", "名称").required(),
        Column::new("code", "代码"),
        Column::new("change", "增减").number().optional(),
        Column::new("since", "成立日期").optional(),
        Column::new("ratio", "比例").optional(),
    ]
}

fn open(bytes: &[u8]) -> Result<Sheet<&[u8]>, Error> {
    Sheet::open(bytes, None, &columns(), Limits::default())
}

fn read(bytes: &[u8]) -> Vec<Entry> {
    open(bytes).unwrap().map(Result::unwrap).collect()
}

fn rows(entries: &[Entry]) -> Vec<(u64, Vec<&str>)> {
    let good = entries.iter().filter_map(|entry| match entry {
        Entry::Row(Row { line, values }) => Some((*line, values.iter().map(String::as_str).collect())),
        Entry::Refused(_) => None,
    });
    good.collect()
}

fn problems(entries: &[Entry]) -> Vec<&Problem> {
    let bad = entries.iter().filter_map(|entry| match entry {
        Entry::Row(_) => None,
        Entry::Refused(problems) => Some(problems),
    });
    bad.flatten().collect()
}

fn reasons(entries: &[Entry]) -> Vec<(u64, &str, &str, &str)> {
    let all = problems(entries).into_iter();
    all.map(|one| (one.line, one.field.as_str(), one.reason.as_ref(), one.value.as_str())).collect()
}

fn refused(bytes: &[u8]) -> &'static str {
    let error = open(bytes).err().expect("it was read");
    assert!(error.zh().contains('请'), "{}", error.zh());
    error.reason()
}

/// Two columns, and the rows below them.
fn small(rows: &str) -> Book {
    let head =
        "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>名称</t></is></c><c r=\"B1\" t=\"str\"><v>代码</v></c></row>";
    Book::of_rows(&format!("{head}{rows}"))
}

#[test]
fn a_workbook_of_openpyxl_is_read() {
    let mut sheet = open(include_bytes!("fixtures/openpyxl.xlsx")).unwrap();
    let entries: Vec<Entry> = sheet.by_ref().map(Result::unwrap).collect();
    assert_eq!(sheet.format(), Some(Format::Xlsx));
    let expected = [
        (2, vec!["开封某厂", "91350100M000100Y43", "-3.5", "2024-01-01", "30%"]),
        (3, vec!["龙亭店", "330000000008000", "4", "2023-12-31 18:00:00", "5.5%"]),
        (8, vec![" 带 \"引号\",与逗号\n和换行 & <尖括号> 𠮷", "00012", "TRUE", "", ""]),
    ];
    assert_eq!(rows(&entries), expected);
    let expected =
        [(4, "code", "LONG_NUMBER", "9.135010000010005e+16"), (5, "name", "FORMULA", "=CONCATENATE(\"a\",\"b\")")];
    assert_eq!(reasons(&entries), expected);
    assert!(problems(&entries)[0].zh.contains("文本格式") && problems(&entries)[0].en.contains("as text"));
}

#[test]
fn a_workbook_of_xlsxwriter_with_the_calendar_of_1904_is_read() {
    let entries = read(include_bytes!("fixtures/xlsxwriter.xlsx"));
    assert_eq!(rows(&entries), [(2, vec!["甲 & 乙", "A1", "1", "1999-10-01", "7%"])]);
    assert_eq!(entries.len(), 1);
}

#[test]
fn every_bad_row_is_named_by_its_row_in_the_sheet() {
    let cell = |at: &str, text: &str| format!("<c r=\"{at}\" t=\"str\"><v>{}</v></c>", escape(text));
    let sheet = [
        format!("<row r=\"3\">{}</row>", cell("A3", "甲")),
        format!("<row r=\"4\">{}{}</row>", cell("A4", "乙"), cell("C4", "多余")),
        format!("<row r=\"6\">{}</row>", cell("B6", "无名")),
        "<row r=\"7\"><c r=\"A7\" t=\"str\"><f>A3&amp;\"x\"</f><v>甲x</v></c></row>".into(),
        format!("<row r=\"8\">{}<c r=\"B8\" t=\"e\"><v>#N/A</v></c></row>", cell("A8", "丙")),
        format!("<row r=\"9\">{}{}</row>", cell("A9", "丁"), cell("B9", "=1+1")),
        format!("<row r=\"10\">{}{}</row>", cell("A10", "戊"), cell("B10", "\u{7}")),
        format!("<row r=\"11\">{}<c r=\"B11\"><v>9.1E+17</v></c></row>", cell("A11", "己")),
        format!("<row r=\"12\">{}<c r=\"B12\"><v>x</v></c></row>", cell("A12", "庚")),
        "<row r=\"13\"><c r=\"A13\"/><c r=\"B13\" s=\"0\"><v></v></c></row>".into(),
        format!("<row r=\"14\">{}{}</row>", cell("A14", &"长".repeat(30_000)), cell("B14", "1")),
        format!("<row r=\"15\">{}</row>", cell("A15", "辛")),
    ];
    let entries = read(&small(&sheet.concat()).bytes());
    let expected = [
        (4, "", "WRONG_COLUMN_COUNT", "乙,,多余"),
        (6, "name", "MISSING_VALUE", ""),
        (7, "name", "FORMULA", "=A3&\"x\""),
        (8, "code", "ERROR_VALUE", "#N/A"),
        (9, "code", "FORMULA", "=1+1"),
        (10, "code", "CONTROL_CHARACTER", "\u{7}"),
        (11, "code", "LONG_NUMBER", "9.1E+17"),
        (12, "code", "NOT_A_NUMBER", "x"),
        (14, "", "LINE_TOO_LONG", ""),
    ];
    assert_eq!(reasons(&entries), expected);
    assert_eq!(rows(&entries).iter().map(|(line, _)| *line).collect::<Vec<_>>(), [3, 15]);
}

#[test]
fn formulas_in_columns_nobody_asked_for_do_no_harm() {
    let head = ["序号", "名称", "代码"].map(|text| format!("<c t=\"str\"><v>{text}</v></c>")).concat();
    let row =
        |number: u8, rest: &str| format!("<row r=\"{number}\"><c><f>ROW()-1</f><v>{}</v></c>{rest}</row>", number - 1);
    let cells = "<c t=\"str\"><v>甲</v></c><c><v>12</v></c>";
    let blank = "<row r=\"3\"><c t=\"str\"><f>IF(B3=\"\",\"\",1)</f><v></v></c></row>";
    let entries = read(&Book::of_rows(&format!("<row>{head}</row>{}{blank}", row(2, cells))).bytes());
    assert_eq!(rows(&entries), [(2, vec!["甲", "12", "", "", ""])]);
    assert_eq!(entries.len(), 1);
    let head = "<row><c t=\"str\"><f>\"名称\"</f><v>名称</v></c><c t=\"str\"><v>代码</v></c></row>";
    assert_eq!(refused(&Book::of_rows(head).bytes()), "BAD_HEADER");
}

#[test]
fn one_sheet_that_holds_something_is_read_and_several_are_refused_by_name() {
    let other = "<row><c t=\"str\"><v>说明</v></c></row>";
    let blank = "<row r=\"5\"><c r=\"A5\" s=\"1\"/><c r=\"B5\" t=\"str\"><v> </v></c></row>";
    let one = small("<row><c t=\"str\"><v>甲</v></c></row>");
    let hidden = one.clone().sheet("空", "", blank).sheet("字典", "state=\"hidden\"", other);
    let hidden = hidden.sheet("宝藏", "state=\"veryHidden\"", other);
    assert_eq!(rows(&read(&hidden.bytes())).len(), 1);
    let two = one.sheet("填表说明", "", other);
    assert_eq!(refused(&two.bytes()), "SEVERAL_SHEETS");
    let error = open(&two.bytes()).err().unwrap();
    assert!(error.zh().contains("Sheet1、填表说明"), "{}", error.zh());
    assert_eq!(refused(&Book::of_rows(blank).sheet("空", "", blank).bytes()), "EMPTY_FILE");
    assert_eq!(refused(&Book::of_rows("").bytes()), "EMPTY_FILE");
    assert_eq!(refused(&Book::default().bytes()), "EMPTY_FILE");
}

#[test]
fn what_could_run_or_is_locked_is_refused_whole() {
    let one = small("<row><c t=\"str\"><v>甲</v></c></row>");
    assert_eq!(refused(&one.clone().member("xl/vbaProject.bin", *b"x").bytes()), "WORKBOOK_MACROS");
    assert_eq!(refused(&one.clone().member("xl/VBAPROJECT.BIN", *b"x").bytes()), "WORKBOOK_MACROS");
    assert_eq!(refused(&one.clone().member("xl/macrosheets/sheet1.xml", *b"x").bytes()), "WORKBOOK_MACROS");
    let types = "<Types><Override PartName=\"/xl/workbook.xml\" \
                 ContentType=\"application/vnd.ms-excel.sheet.macroEnabled.main+xml\"/></Types>";
    assert_eq!(refused(&one.clone().member("[Content_Types].xml", types).bytes()), "WORKBOOK_MACROS");
    let mut locked = one.bytes();
    let at = locked.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    locked[at + 8] |= 1;
    assert_eq!(refused(&locked), "WORKBOOK_LOCKED");
    // So begins a workbook with a password, and one of before 2007.
    let error = open(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1").err().unwrap();
    assert_eq!(error.reason(), "NOT_TEXT");
    assert!(error.zh().contains("去掉打开密码") && error.zh().contains("另存为 XLSX"), "{}", error.zh());
}

#[test]
fn an_archive_of_something_else_is_no_workbook() {
    assert_eq!(refused(&Zip::default().finish()), "NOT_A_WORKBOOK");
    let mut word = Zip::default();
    word.add("[Content_Types].xml", b"<Types/>");
    word.add("word/document.xml", b"<document/>");
    assert_eq!(refused(&word.finish()), "NOT_A_WORKBOOK");
    assert_eq!(refused(&small("").member("xl/workbook.xml", "<document/>").bytes()), "NOT_A_WORKBOOK");
}

#[test]
fn a_file_cut_anywhere_is_refused_as_a_whole() {
    let texts: Vec<[String; 2]> = (0..40).map(|n| [format!("开封{n}"), format!("{n}")]).collect();
    let mut table = vec![["名称".to_owned(), "代码".to_owned()]];
    table.extend(texts);
    let bytes = Book::of_texts(&table).bytes();
    assert_eq!(rows(&read(&bytes)).len(), 40);
    for cut in 4..bytes.len() {
        assert_eq!(refused(&bytes[..cut]), "WORKBOOK_BROKEN", "cut at {cut} of {}", bytes.len());
    }
}

#[test]
fn a_flipped_bit_is_noticed_before_any_row_is_taken_over() {
    let texts: Vec<[String; 2]> = (0..400).map(|n| [format!("开封{n}"), format!("{}", n * 7_919)]).collect();
    let mut table = vec![["名称".to_owned(), "代码".to_owned()]];
    table.extend(texts);
    let good = Book::of_texts(&table).bytes();
    let expected = rows(&read(&good)).len();
    assert_eq!(expected, 400);
    let mut noticed = 0;
    for at in (40..good.len()).step_by(13) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        match open(&bad) {
            // Times, versions and the like mean nothing.
            Ok(sheet) => assert_eq!(sheet.map(Result::unwrap).count(), expected, "at {at}"),
            Err(error) => {
                assert!(error.reason() != "UNREADABLE", "at {at}: {error}");
                noticed += 1;
            }
        }
    }
    assert!(noticed > 10, "{noticed}");
}

#[test]
fn bombs_are_refused_before_they_burst() {
    let with = |member: &str, xml: String| small("").member(member, xml).bytes();
    let deep = format!("<worksheet><sheetData>{}{}", "<row><c>".repeat(60), "</c></row>".repeat(60));
    assert_eq!(refused(&with("xl/worksheets/sheet1.xml", deep)), "WORKBOOK_EXCESSIVE");
    let laughs =
        "<?xml version=\"1.0\"?><!DOCTYPE s [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;\">]><worksheet>&b;</worksheet>";
    assert_eq!(refused(&with("xl/worksheets/sheet1.xml", laughs.into())), "WORKBOOK_BROKEN");
    let own = "<worksheet><sheetData><row><c t=\"str\"><v>&b;</v></c></row></sheetData></worksheet>";
    assert_eq!(refused(&with("xl/worksheets/sheet1.xml", own.into())), "WORKBOOK_BROKEN");
    let endless = format!("<worksheet><sheetData><row><c><v>{}", "1".repeat(3 << 20));
    assert_eq!(refused(&with("xl/worksheets/sheet1.xml", endless)), "WORKBOOK_EXCESSIVE");
    let tag = format!("<worksheet {}", "a=\"1\" ".repeat(1 << 20));
    assert_eq!(refused(&with("xl/worksheets/sheet1.xml", tag)), "WORKBOOK_EXCESSIVE");
    // 64 MiB of blanks are 64 KiB in the file.
    let squeezed = format!("<worksheet><sheetData/>{}</worksheet>", " \n".repeat(32 << 20));
    let head = small("").sheets.remove(0).2;
    let mut squeezed_rows = String::from_utf8(head).unwrap();
    squeezed_rows = squeezed_rows.replace("</sheetData>", &squeezed[22..squeezed.len() - 12]);
    assert_eq!(refused(&with("xl/worksheets/sheet1.xml", squeezed_rows)), "WORKBOOK_EXCESSIVE");
    let mut many = small("").zip();
    for number in 0..5_000 {
        many.add_packed(&format!("xl/media/{number}.png"), &[], 0, 0);
    }
    assert_eq!(refused(&many.finish()), "WORKBOOK_EXCESSIVE");
    let mut twice = small("").zip();
    twice.add_packed("xl/worksheets/Sheet1.xml", b"", 0, 0);
    assert_eq!(refused(&twice.finish()), "WORKBOOK_BROKEN", "which of the two is meant?");
}

#[test]
fn a_member_that_lies_about_its_size_is_refused() {
    let good = small("<row><c t=\"str\"><v>甲</v></c></row>").bytes();
    let name = b"xl/worksheets/sheet1.xml";
    let entry = good.windows(4).enumerate().filter(|(_, four)| *four == b"PK\x01\x02").map(|(at, _)| at);
    let entry = entry.into_iter().find(|at| good[at + 46..].starts_with(name)).unwrap();
    let with = |offset: usize, value: u32| {
        let mut bad = good.clone();
        bad[entry + offset..entry + offset + 4].copy_from_slice(&value.to_le_bytes());
        bad
    };
    assert_eq!(rows(&read(&good)).len(), 1);
    for unpacked in [0, 10, 10_000] {
        assert_eq!(refused(&with(24, unpacked)), "WORKBOOK_BROKEN", "{unpacked}");
    }
    assert_eq!(refused(&with(24, u32::MAX - 1)), "WORKBOOK_EXCESSIVE");
    assert_eq!(refused(&with(20, 3)), "WORKBOOK_BROKEN");
    assert_eq!(refused(&with(42, 1 << 30)), "WORKBOOK_BROKEN");
}

#[test]
fn cells_and_rows_out_of_order_are_no_sheet() {
    for rows in [
        "<row r=\"1\"/>",
        "<row r=\"9\"/><row r=\"8\"/>",
        "<row r=\"0\"/>",
        "<row r=\"2000000\"/>",
        "<row r=\"x\"/>",
        "<row r=\"2\"><c r=\"B2\"/><c r=\"A2\"/></row>",
        "<row r=\"2\"><c r=\"A3\"/></row>",
        "<row r=\"2\"><c r=\"ZZZ2\"/></row>",
        "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>0</v></c></row>",
        "<row r=\"2\"><c r=\"A2\" t=\"q\"><v>0</v></c></row>",
        "<row r=\"2\"><c r=\"A2\"></row>",
    ] {
        let bytes = small(rows).bytes();
        let failed = open(&bytes).unwrap().find_map(Result::err);
        assert_eq!(failed.map(|error| error.reason()), Some("WORKBOOK_BROKEN"), "{rows}");
    }
}

#[test]
fn the_edges_of_a_table_are_those_of_text() {
    let table: Vec<[&str; 2]> = vec![["名称", "代码"], ["甲", "1"], ["乙", "2"], ["丙", "3"]];
    let bytes = Book::of_texts(&table).bytes();
    let limits = Limits { rows_max: 2, ..Limits::default() };
    let entries: Vec<Entry> = Sheet::open(&*bytes, None, &columns(), limits).unwrap().map(Result::unwrap).collect();
    assert_eq!(reasons(&entries), [(4, "", "TOO_MANY_ROWS", "")]);
    assert_eq!(refused(&Book::of_texts(&[["名称", "名称"]]).bytes()), "DUPLICATE_COLUMN");
    assert_eq!(refused(&Book::of_texts(&[["名称", "别的"]]).bytes()), "MISSING_COLUMN");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_table_gives_the_same_rows_as_csv_and_as_a_workbook(
        table in prop::collection::vec(
            (
                "[a开=]?([a-z0-9&<>']|[开封市龙亭区𠮷]|[ ,\"\u{7}-]){0,6}",
                "[0-9+-]?([a-z0-9.]|[开封市龙亭区𠮷]|[ ,\"]){0,6}",
                "[-+]?[0-9]{0,3}",
            ),
            0..12,
        )
    ) {
        let mut texts = vec![["名称".to_owned(), "代码".to_owned(), "增减".to_owned()]];
        texts.extend(table.into_iter().map(<[String; 3]>::from));
        let mut csv = csv::Writer::from_writer(Vec::new());
        for row in &texts {
            csv.write_record(row).unwrap();
        }
        let csv = csv.into_inner().unwrap();
        let (from_csv, from_xlsx) = (read(&csv), read(&Book::of_texts(&texts).bytes()));
        prop_assert_eq!(from_csv, from_xlsx);
    }

    #[test]
    fn a_damaged_workbook_is_read_or_refused_but_never_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6), cut in any::<prop::sample::Index>()
    ) {
        let mut bytes = include_bytes!("fixtures/openpyxl.xlsx").to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(cut.index(bytes.len() * 4).max(4));
        if let Ok(sheet) = open(&bytes) {
            for entry in sheet {
                if let Err(error) = entry {
                    prop_assert!(!error.reason().is_empty());
                }
            }
        }
    }

    /// Whatever the XML says, well packed.
    #[test]
    fn random_xml_is_read_or_refused_but_never_panics(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "<row>", "</row>", "<row r=\"3\">", "<c>", "</c>", "<c t=\"s\">", "<c r=\"B2\">", "<v>", "</v>", "1", "-1e9", "&lt;",
            "&#0;", "&x;", "<f>", "</f>", "<is>", "</is>", "<t>", "</t>", "<!--", "-->", "<![CDATA[", "]]>", "<", "\u{0}", "长",
        ]), 0..30)
    ) {
        let bytes = small(&pieces.concat()).bytes();
        if let Ok(sheet) = open(&bytes) {
            for entry in sheet {
                if let Err(error) = entry {
                    prop_assert_eq!(error.reason(), "WORKBOOK_BROKEN");
                }
            }
        }
    }
}

/// Names the file that the second process reads.
const CHILD: &str = "QINGTIAN_TEST_WORKBOOK";

/// Memory of a process that reads a large table is that of one that reads a small one.
#[test]
fn memory_does_not_grow_with_the_workbook() {
    if let Some(path) = std::env::var_os(CHILD) {
        let file = std::fs::File::open(path).unwrap();
        let good = Sheet::open(file, None, &columns(), Limits::default()).unwrap();
        let good = good.filter(|entry| matches!(entry, Ok(Entry::Row(_)))).count();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap().trim().trim_end_matches("kB").trim();
        println!("CHILD {good} {peak}");
        return;
    }
    let large = if std::env::var_os("QINGTIAN_PROVE").is_some() { 300_000 } else { 30_000 };
    let peak_kib = |count: usize| {
        let file = large_workbook(count);
        let out = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "sheet::xlsx::tests::memory_does_not_grow_with_the_workbook", "--nocapture"])
            .env(CHILD, file.path())
            .output()
            .unwrap();
        let out = String::from_utf8(out.stdout).unwrap();
        let said = out.lines().find_map(|line| line.split_once("CHILD ")).unwrap_or_else(|| panic!("{out}")).1;
        let (good, peak) = said.split_once(' ').unwrap();
        assert_eq!(good.parse(), Ok(count));
        peak.parse::<usize>().unwrap()
    };
    let (small, large) = (peak_kib(1_000), peak_kib(large));
    println!("peak of 1,000 rows: {small} KiB; of many: {large} KiB");
    assert!(large < small + (16 << 10), "{small} KiB became {large} KiB");
}

/// Five texts a row, all different and shared, written without holding them.
fn large_workbook(count: usize) -> tempfile::NamedTempFile {
    let row = |number: usize, cells: [String; 3]| {
        let cells = cells.iter().enumerate().map(|(at, cell)| format!("<c r=\"{}{number}\" {cell}</c>", letters(at)));
        format!("<row r=\"{number}\">{}</row>", cells.collect::<String>())
    };
    let string = |number: usize| format!("t=\"s\"><v>{number}</v>");
    let mut sheet = row(1, [string(0), string(1), string(2)]);
    let mut strings: String = ["名称", "代码", "成立日期"].map(|head| format!("<si><t>{head}</t></si>")).concat();
    for number in 0..count {
        strings +=
            &format!("<si><t>开封市第{number}商贸有限公司龙亭区分店</t></si><si><t>91410202MA{number:08}</t></si>");
        let date = format!("s=\"1\"><v>{}</v>", 40_000 + number % 5_000);
        sheet += &row(number + 2, [string(3 + 2 * number), string(4 + 2 * number), date]);
    }
    let book = Book {
        strings: Some(format!("<sst>{strings}</sst>")),
        styles: Some("<styleSheet><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/></cellXfs></styleSheet>".into()),
        ..Book::of_rows(&sheet)
    };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&book.bytes()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    file
}
