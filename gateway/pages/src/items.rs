//! Supervision items with their checklists (监管事项、检查实施清单, art. 7, 9, 12, 33).

use axum::{extract::Path, response::Response};
use maud::html;
use proto::qingtian::{
    catalog::v1::{Item, ItemGrade, ItemState},
    portal::v1 as pb,
};

use crate::{
    ask,
    failure::Failure,
    frame,
    frame::Head,
    reader::{Lang, Reader},
    tables::{self, Table},
};

/// Address of an item by its name in the contract.
pub fn href(name: &str) -> String {
    let rest = name.strip_prefix("organisations/").unwrap_or(name);
    format!("/items/{}", rest.replacen("/items/", "/", 1))
}

fn request(reader: &Reader) -> pb::ListItemsRequest {
    let (page_token, query) = (reader.get("page").to_owned(), reader.get("q").to_owned());
    pb::ListItemsRequest { page_token, query, ..Default::default() }
}

fn grade(lang: Lang, grade: ItemGrade) -> &'static str {
    match grade {
        ItemGrade::Unspecified => "—",
        ItemGrade::General => lang.t("一般检查事项", "General"),
        ItemGrade::Key => lang.t("重点检查事项", "Key"),
    }
}

fn listed(lang: Lang, item: &Item) -> &'static str {
    if item.state() == ItemState::Retired {
        lang.t("已取消，不再实施", "Retired, no longer in force")
    } else if item.random_listed {
        lang.t("在随机抽查事项清单内", "On the random-inspection list")
    } else {
        lang.t("不在随机抽查事项清单内", "Not on the random-inspection list")
    }
}

/// `/items`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let found = ask::list_items(&reader, request(&reader)).await.map_err(|refused| refused.page(&reader))?;
    let title = lang.t("监管事项", "Supervision items");
    let body = html! {
        h1 { (title) }
        p { (lang.t("部门能查什么、依据什么法、查哪些内容。随机抽查只能查清单内的事项（", "What departments may inspect, under which law, and what they look at. Random inspections are limited to listed items (")) a href="/law#article-12" { (lang.t("第十二条", "art. 12")) } (lang.t("）。", ").")) }
        (tables::filter(&reader, lang.t("按编号、名称或子项查找", "Code, title or sub-item")))
        @if found.items.is_empty() { (tables::nothing(&reader)) } @else {
            ul.cards { @for item in &found.items {
                li {
                    a.title href=(href(&item.name)) { (item.title) @if !item.sub_title.is_empty() { "：" (item.sub_title) } }
                    p.meta { (item.code) @if !item.inspecting_body.is_empty() { " · " (item.inspecting_body) } " · " (listed(lang, item)) }
                }
            } }
        }
        (tables::pager(&reader, &found.next_page_token))
        (tables::download(&reader, "/items.csv"))
    };
    Ok(frame::page(&reader, Head { title, trail: &[("/items", title)], ..Head::default() }, body))
}

/// `/items/{organisation}/{item}`.
pub async fn item(Path((organisation, item)): Path<(String, String)>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let name = format!("organisations/{organisation}/items/{item}");
    let item = ask::get_item(&reader, pb::GetItemRequest { name }).await.map_err(|refused| refused.page(&reader))?;
    let terms = item.listing.clone().unwrap_or_default();
    let number = |value: i32, unit: &str| if value == 0 { String::new() } else { format!("{value}{unit}") };
    let ratio_max = number(terms.ratio_percent_max, "%");
    let visits_max = number(terms.visits_per_year_max, lang.t("次", ""));
    let within = number(terms.publish_within_workdays, lang.t("个工作日", " working days"));
    let withheld = if terms.withheld { lang.t("依法不予公开", "Withheld by law") } else { "" };
    let version = number(i32::try_from(item.version).unwrap_or_default(), "");
    let about = [
        (lang.t("编号", "Code"), item.code.as_str()),
        (lang.t("依据", "Legal basis"), &item.legal_basis),
        (lang.t("检查主体", "Who inspects"), &item.inspecting_body),
        (lang.t("检查对象", "Who is inspected"), &item.subject_scope),
        (lang.t("抽查比例", "Ratio"), &item.ratio),
        (lang.t("抽查频次", "Frequency"), &item.frequency),
        (lang.t("抽查方式", "Method"), &item.method),
        (lang.t("检查人员要求", "Demands on officers"), &item.officer_demand),
        (lang.t("级别", "Grade"), grade(lang, item.grade())),
        (lang.t("随机抽查", "Random inspection"), listed(lang, &item)),
        (lang.t("抽查比例上限", "Ratio at most"), &ratio_max),
        (lang.t("同一对象每年检查次数上限", "Inspections of one subject a year at most"), &visits_max),
        (lang.t("公示期限", "Published within"), &within),
        (lang.t("结果公开", "Results"), withheld),
        (lang.t("另定期限或不予公开的依据", "Basis of the period or of withholding"), &terms.publication_basis),
        (lang.t("承办机构", "Undertaking unit"), &item.undertaking_unit),
        (lang.t("版本", "Version"), &version),
        (lang.t("取消理由", "Why retired"), &item.change_reason),
        (lang.t("备注", "Remark"), &item.remark),
    ];
    let body = html! {
        h1 { (item.title) @if !item.sub_title.is_empty() { br; span.sub { (item.sub_title) } } }
        dl.hashes { @for (name, text) in about.into_iter().filter(|(_, text)| !text.is_empty()) { dt { (name) } dd { (text) } } }
        h2 { (lang.t("检查实施清单", "Implementation checklist")) }
        p { (lang.t("检查时只看这些（", "This is what an inspection looks at (")) a href="/law#article-9" { (lang.t("第九条", "art. 9")) } (lang.t("）。", ").")) }
        @if item.checklist.is_empty() { p.quiet { (lang.t("没有生效的清单，这个事项不能列入计划。", "There is no effective checklist; the item cannot be planned.")) } } @else {
            table.rows {
                thead { tr {
                    th.number scope="col" { (lang.t("序号", "No.")) }
                    th scope="col" { (lang.t("检查内容", "What is checked")) }
                    th scope="col" { (lang.t("方法", "How")) }
                    th scope="col" { (lang.t("处罚依据", "Basis of a penalty")) }
                } }
                tbody { @for (place, entry) in (1..).zip(&item.checklist) { tr {
                    td.number data-label=(lang.t("序号", "No.")) { (place) }
                    td data-label=(lang.t("检查内容", "What")) { (entry.content) }
                    td data-label=(lang.t("方法", "How")) { (entry.method) }
                    td data-label=(lang.t("处罚依据", "Penalty")) { (entry.penalty_basis) }
                } } }
            }
        }
    };
    let own = href(&item.name);
    let trail = [("/items", lang.t("监管事项", "Items")), (own.as_str(), item.title.as_str())];
    Ok(frame::page(&reader, Head { title: &item.title, trail: &trail, ..Head::default() }, body))
}

/// `/items.csv`.
pub async fn table(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let header = lang.t(
        "名称,编号,事项,子项,依据,检查主体,检查对象,抽查比例,抽查频次,抽查方式,检查人员要求,级别,随机抽查,清单条数,备注",
        "name,code,title,sub-item,legal basis,inspecting body,subjects,ratio,frequency,method,officers,grade,random,checklist entries,remark",
    );
    let ask = |reader: Reader, token: String| async move {
        let request = pb::ListItemsRequest { page_token: token, page_size: 100, ..request(&reader) };
        let found = ask::list_items(&reader, request).await?;
        let row = |item: Item| {
            let (grade, listed) = (grade(reader.lang, item.grade()).to_owned(), listed(reader.lang, &item).to_owned());
            let texts = [
                item.name,
                item.code,
                item.title,
                item.sub_title,
                item.legal_basis,
                item.inspecting_body,
                item.subject_scope,
                item.ratio,
                item.frequency,
                item.method,
                item.officer_demand,
            ];
            texts.into_iter().chain([grade, listed, item.checklist.len().to_string(), item.remark]).collect()
        };
        Ok((found.items.into_iter().map(row).collect(), found.next_page_token))
    };
    Table { file: "items.csv", header }.answer(reader, ask).await
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_item_has_an_address_that_leads_back_to_its_name() {
        assert_eq!(super::href("organisations/market/items/12"), "/items/market/12");
        assert_eq!(super::href("organisations/items/items/items"), "/items/items/items");
    }
}
