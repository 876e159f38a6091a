//! Uploaded workbooks (art. 13, 24): the same rows as from text, told by the rows of the sheet, and whole refusals.

use kit::testing::workbook::{Workbook, escape};
use proto::qingtian::{
    common::v1::ImportState,
    draws::v1::{self as pb, ListImportsRequest},
};

use crate::world::*;

fn cell(at: &str, text: &str) -> String {
    format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{}</t></is></c>", escape(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workbook_goes_in_as_text_does_and_its_bad_rows_come_back() {
    let world = World::start().await;
    let mut clerk = world.clerk().await;
    let head = |name: &str| pb::ImportSubjectsRequest {
        file_name: name.into(),
        // What the uploader says of text means nothing here.
        encoding: "GB18030".into(),
        columns: vec!["key=统一社会信用代码".into(), "title=企业名称".into(), "district=区划".into()],
        ..upload_to(MARKET)
    };
    let rows = [
        format!(
            "<row r=\"1\">{}{}{}</row>",
            cell("A1", "统一社会信用代码"),
            cell("B1", "企业名称"),
            cell("C1", "区划")
        ),
        // A district as a number, as spreadsheets keep what looks like one.
        format!(
            "<row r=\"2\">{}{}<c r=\"C2\"><v>410203</v></c></row>",
            cell("A2", &code(LONGTING, 1)),
            cell("B2", "甲")
        ),
        format!("<row r=\"4\"><c r=\"A4\"><v>9.1410202E+17</v></c>{}</row>", cell("B4", "乙")),
        format!("<row r=\"5\">{}<c r=\"B5\" t=\"str\"><f>B2</f><v>甲</v></c></row>", cell("A5", &code(LONGTING, 2))),
        "<row r=\"6\"><c r=\"A6\"><v>330000000008000</v></c>".to_owned() + &cell("B6", "旧号") + "</row>",
        format!("<row r=\"7\">{}{}</row>", cell("A7", &code(LONGTING, 1)), cell("B7", "甲")),
    ];
    let book = Workbook::of_rows(&rows.concat());
    let import = upload(&mut clerk, head("名录.csv"), &book.bytes()).await.unwrap();
    assert_eq!((import.state(), import.encoding.as_str()), (ImportState::Finished, "XLSX"));
    assert_eq!((import.rows, import.created, import.returned, import.old_numbers), (5, 2, 3, 1));
    let found: Vec<_> = import.problems.iter().map(|one| (one.line, &*one.field, &*one.reason, &*one.value)).collect();
    let twice = code(LONGTING, 1);
    let expected = [
        (4, "key", "LONG_NUMBER", "9.1410202E+17"),
        (5, "title", "FORMULA", "=B2"),
        (7, "key", "DUPLICATE", twice.as_str()),
    ];
    assert_eq!(found, expected);
    let kept: Vec<(String, String)> =
        sqlx::query_as("select title, district from subject order by title").fetch_all(&world.pool).await.unwrap();
    assert_eq!(kept, [("旧号".into(), LONGTING.into()), ("甲".into(), "410203".into())]);

    let whole = book.bytes();
    let unreadable = ("FILE_UNREADABLE".to_owned(), "24".to_owned());
    let macros = book.clone().member("xl/vbaProject.bin", *b"x").bytes();
    let two = book.clone().sheet("说明", "", &format!("<row r=\"1\">{}</row>", cell("A1", "请填写"))).bytes();
    for bytes in [&whole[..whole.len() - 1], &whole[..whole.len() / 2], &macros, &two] {
        assert_eq!(refused(upload(&mut clerk, head("名录.xlsx"), bytes).await), unreadable);
    }
    let request = ListImportsRequest { parent: MARKET.into(), ..Default::default() };
    let imports = clerk.list_imports(request).await.unwrap().into_inner().imports;
    assert_eq!(imports.len(), 1, "what is refused whole leaves nothing behind");
}
