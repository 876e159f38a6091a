//! Uploaded workbooks (art. 7, 24).

use kit::testing::workbook::Workbook;
use proto::qingtian::common::v1::ImportState;
use tonic::Code;

use crate::office::{Office, order, refused};

const TABLE: [[&str; 4]; 3] = [
    ["编号", "抽查事项名称", "抽查依据", "抽查方式"],
    ["1", "食品", "《食品安全法》\n第一百零九条", "现场检查"],
    ["2", "药品, \"零售\"", "《药品管理法》", "网络监测"],
];

#[tokio::test]
async fn a_workbook_is_the_same_list_as_its_text() {
    let office = Office::new().await;
    let bytes = Workbook::of_texts(&TABLE).bytes();
    let import = office.import(order(), &bytes).await.unwrap();
    assert_eq!((import.state(), import.encoding.as_str()), (ImportState::Finished, "XLSX"), "{:?}", import.problems);
    assert_eq!((import.rows, import.created, import.returned), (2, 2, 0));
    let mut csv = csv::Writer::from_writer(Vec::new());
    for row in TABLE {
        csv.write_record(row).unwrap();
    }
    let again = office.import(order(), &csv.into_inner().unwrap()).await.unwrap();
    assert_eq!((again.rows, again.unchanged, again.encoding.as_str()), (2, 2, "UTF-8"), "no doubles");
    for cut in [5, bytes.len() / 2, bytes.len() - 1] {
        let told = office.import(order(), &bytes[..cut]).await;
        refused(told, Code::InvalidArgument, "FILE_UNREADABLE", "24");
    }
    assert_eq!(office.count("item_import").await, 2, "what is refused whole leaves nothing behind");
}
