//! Lists in every order they offer.

use proto::qingtian::catalog::v1 as pb;
use tonic::Code;

use crate::office::{MARKET, Office, item, order, refused};

#[tokio::test]
async fn items_are_listed_in_every_order_whole_page_by_page() {
    let office = Office::new().await;
    let mut reader = office.handler().await;
    let graded = |code: &str, title: &str, grade: pb::ItemGrade| pb::Item { grade: grade as i32, ..item(code, title) };
    for (code, title, grade) in [
        ("10", "甲类", pb::ItemGrade::Key),
        ("2", "乙类", pb::ItemGrade::General),
        ("1", "丙类", pb::ItemGrade::Key),
        ("3", "乙类", pb::ItemGrade::Key),
    ] {
        office.create(graded(code, title, grade)).await;
    }
    for (order_by, codes) in [
        ("", ["1", "2", "3", "10"]),
        ("code", ["1", "2", "3", "10"]),
        ("code desc", ["10", "3", "2", "1"]),
        ("title", ["1", "2", "3", "10"]),
        ("title desc", ["10", "3", "2", "1"]),
        ("grade", ["2", "1", "3", "10"]),
    ] {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListItemsRequest {
                parent: MARKET.into(),
                order_by: order_by.into(),
                page_size: 1,
                page_token,
                ..Default::default()
            };
            let page = reader.list_items(request).await.unwrap().into_inner();
            assert_eq!(page.total_size, 4);
            found.extend(page.items.into_iter().map(|one| one.code));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, codes, "{order_by}");
    }
    let wrong = pb::ListItemsRequest { parent: MARKET.into(), order_by: "state".into(), ..Default::default() };
    refused(reader.list_items(wrong).await, Code::InvalidArgument, "INVALID", "");
}

#[tokio::test]
async fn uploads_are_found_by_their_file_and_listed_in_both_orders() {
    let office = Office::new().await;
    for name in ["乙清单.csv", "甲清单.csv", "100%_新增.csv"] {
        let first = pb::ImportItemsRequest { file_name: name.into(), ..order() };
        office.import(first, "编号,抽查事项名称,抽查依据\n1,食品,《食品安全法》\n".as_bytes()).await.unwrap();
    }
    let list = async |query: &str, order_by: &str| {
        let (mut found, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = pb::ListItemImportsRequest {
                parent: MARKET.into(),
                query: query.into(),
                order_by: order_by.into(),
                page_size: 1,
                page_token,
            };
            let page = office.handler().await.list_item_imports(request).await.unwrap().into_inner();
            found.extend(page.imports.into_iter().map(|one| one.file_name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return found;
            }
        }
    };
    assert_eq!(list("", "").await, ["100%_新增.csv", "甲清单.csv", "乙清单.csv"], "newest first");
    assert_eq!(list("", "create_time").await, ["乙清单.csv", "甲清单.csv", "100%_新增.csv"]);
    assert_eq!(list("", "file_name").await, ["100%_新增.csv", "乙清单.csv", "甲清单.csv"]);
    assert_eq!(list("清单", "file_name desc").await, ["甲清单.csv", "乙清单.csv"]);
    assert_eq!(list("%_", "").await, ["100%_新增.csv"]);
}
