//! Published plans (抽查工作计划, art. 9, 14): no plan, no inspection.

use axum::{extract::Path, response::Response};
use maud::{Markup, html};
use proto::qingtian::{
    draws::v1::{Plan, PlanException, Stratification, quota::Amount},
    portal::v1 as pb,
};

use crate::{
    ask,
    failure::Failure,
    frame,
    frame::Head,
    items,
    reader::{Lang, Reader},
    tables::{self, Table},
    words,
};

fn request(reader: &Reader) -> pb::ListPlansRequest {
    pb::ListPlansRequest {
        page_token: reader.get("page").to_owned(),
        query: reader.get("q").to_owned(),
        year: reader.get("year").parse().unwrap_or_default(),
        ..Default::default()
    }
}

fn window(lang: Lang, plan: &Plan) -> String {
    format!("{}{}{}", words::date(lang, &plan.start_date), lang.t(" 至 ", " to "), words::date(lang, &plan.end_date))
}

/// `/plans`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let found = ask::list_plans(&reader, request(&reader)).await.map_err(|refused| refused.page(&reader))?;
    let title = lang.t("检查计划", "Plans");
    let body = html! {
        h1 { (title) }
        p { (lang.t("无检查计划不得对企业进行检查（", "No inspection without a published plan (")) a href="/law#article-9" { (lang.t("第九条", "art. 9")) } (lang.t("）。这里是全部已公布的计划。", "). These are all the published ones.")) }
        (tables::filter(&reader, lang.t("按名称查找", "Part of the title")))
        @if found.plans.is_empty() { (tables::nothing(&reader)) } @else { (list(&reader, &found.plans)) }
        (tables::pager(&reader, &found.next_page_token))
        (tables::download(&reader, "/plans.csv"))
    };
    Ok(frame::page(&reader, Head { title, trail: &[("/plans", title)], ..Head::default() }, body))
}

/// Plans as a list.
pub fn list(reader: &Reader, plans: &[pb::PublicPlan]) -> Markup {
    let lang = reader.lang;
    html! {
        ul.cards { @for found in plans {
            @let plan = found.plan.clone().unwrap_or_default();
            li {
                a.title href={ "/" (plan.name) } { (plan.title) }
                p.meta {
                    (words::last(&plan.name)) " · " (words::unit(lang, &found.units, &plan.organisation)) " · " (words::plan_kind(lang, plan.kind())) " · "
                    (window(lang, &plan)) " · "
                    @if lang.is_zh() { (found.draws.len()) " 次抽查" } @else { (found.draws.len()) " draws" }
                }
            }
        } }
    }
}

/// What was approved although the pool or the people are few, and why (art. 14-16): on the plan's page and on its draws'.
pub fn approved_exceptions(lang: Lang, exceptions: &[PlanException]) -> Markup {
    html! {
        @for one in exceptions {
            p.notice {
                strong { (lang.t("经批准的例外：", "Approved exception: ")) }
                (words::plan_exception(lang, one.kind())) (lang.t("。理由：", " Reason: ")) (one.reason)
            }
        }
    }
}

/// `/plans/{number}`.
pub async fn plan(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let request = pb::GetPlanRequest { name: format!("plans/{number}") };
    let found = ask::get_plan(&reader, request).await.map_err(|refused| refused.page(&reader))?;
    let plan = found.plan.clone().unwrap_or_default();
    let body = html! {
        h1 { (plan.title) }
        p.meta { (words::last(&plan.name)) " · " (words::unit(lang, &found.units, &plan.organisation)) " · " (words::plan_kind(lang, plan.kind())) " · " (words::plan_state(lang, plan.state())) }
        p.lead { (lang.t("检查时间：", "Inspections: ")) (window(lang, &plan)) }
        @if plan.late { p.notice { (lang.t("这个计划在当年第一季度之后公布（第十四条要求第一季度编制，可根据工作实际动态调整）。", "This plan was published after the first quarter of its year, in which art. 14 wants plans drawn up; they may be adjusted as the work requires.")) } }
        (approved_exceptions(lang, &plan.exceptions))
        dl.hashes {
            dt { (lang.t("公布时间", "Published")) } dd { (words::when(lang, plan.publish_time.as_ref())) }
            dt { (lang.t("方式", "Method")) } dd { (or_dash(&plan.method)) }
            dt { (lang.t("频次", "Frequency")) } dd { (or_dash(&plan.frequency)) }
            dt { (lang.t("对象范围", "Scope")) } dd {
                @if plan.districts.is_empty() { (lang.t("全部名录", "The whole register")) }
                @else { (places(&reader, &plan.districts)) }
            }
            dt { (lang.t("属地管理", "Officers' district")) } dd {
                @if plan.cover_district { (lang.t("检查人员须覆盖对象所在区县", "officers must cover the subject's district")) }
                @else { (lang.t("不限区县", "any district")) }
            }
        }
        (what(lang, &found, &plan))
        (how_many(&reader, &plan))
        h2 { (lang.t("检查组", "Each team")) }
        ul { @for part in &plan.teams { li {
            (words::unit(lang, &found.units, &part.organisation)) (lang.t("：", ": ")) (part.size) (lang.t(" 名执法人员", " officers"))
            @if !part.specialty.is_empty() { (lang.t("，至少一名专业为 ", ", one at least with specialty ")) code { (part.specialty) } }
        } }
        @if let Some(experts) = plan.experts.as_ref().filter(|experts| experts.count > 0) { li {
            (lang.t("专家：", "Experts: ")) (experts.count) (lang.t(" 名，从专家名录库随机抽取（第十五条）", ", drawn at random from their register (art. 15)"))
            @if !experts.specialty.is_empty() { (lang.t("，至少一名专业为 ", ", one at least with specialty ")) code { (experts.specialty) } }
        } }
        @if !plan.county_units.is_empty() { li {
            (lang.t("市抽县查，各区县自行抽取执法人员：", "The city draws, counties inspect with officers they draw: "))
            @for (at, unit) in plan.county_units.iter().enumerate() {
                @if at > 0 { (lang.t("、", ", ")) } (words::district(lang, &unit.district, kit::workdays::legal_day(reader.now))) " " (words::unit(lang, &found.units, &unit.organisation))
            }
        } }
        }
        (publication(lang, &plan))
        h2 { (lang.t("依这个计划进行的抽查", "Draws over this plan")) }
        @if found.draws.is_empty() { p.quiet { (lang.t("还没有抽查。", "No draws yet.")) } } @else {
            ul { @for draw in &found.draws { li { a href={ "/" (draw) } { (lang.t("抽查 ", "Draw ")) (words::last(draw)) } } } }
        }
    };
    let own = format!("/{}", plan.name);
    let trail = [("/plans", lang.t("检查计划", "Plans")), (own.as_str(), words::last(&plan.name))];
    Ok(frame::page(&reader, Head { title: &plan.title, trail: &trail, ..Head::default() }, body))
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "—" } else { text }
}

fn places(reader: &Reader, districts: &[String]) -> String {
    let on = kit::workdays::legal_day(reader.now);
    let names: Vec<_> = districts.iter().map(|code| words::district(reader.lang, code, on)).collect();
    names.join(reader.lang.t("、", ", "))
}

fn what(lang: Lang, found: &pb::PublicPlan, plan: &Plan) -> Markup {
    let titles = plan.items.iter().zip(found.item_titles.iter().map(String::as_str).chain(std::iter::repeat("")));
    html! {
        h2 { (lang.t("检查事项", "What is inspected")) }
        ul { @for (name, title) in titles {
            li { a href=(items::href(name)) { @if title.is_empty() { (words::last(name)) } @else { (title) } } }
        } }
    }
}

fn how_many(reader: &Reader, plan: &Plan) -> Markup {
    let lang = reader.lang;
    let on = kit::workdays::legal_day(reader.now);
    let strata = match plan.stratification() {
        Stratification::District => lang.t("各区县分别抽取。", "Drawn district by district."),
        Stratification::Whole => lang.t("全市合在一起抽取。", "Drawn from the whole city at once."),
        Stratification::CreditClass => lang.t(
            "按信用风险分类分别抽取：分类越差，抽得越多（第十七条）。",
            "Drawn by credit class: the worse the class, the more are drawn (art. 17).",
        ),
        Stratification::DistrictAndCreditClass => lang.t(
            "各区县按信用风险分类分别抽取：分类越差，抽得越多（第十七条）。",
            "Drawn by district and credit class: the worse the class, the more are drawn (art. 17).",
        ),
        Stratification::Unspecified => "",
    };
    html! {
        h2 { (lang.t("抽取比例", "How many are drawn")) }
        p { (strata) }
        table.rows.narrow {
            thead { tr { th scope="col" { (lang.t("层", "Stratum")) } th scope="col" { (lang.t("抽取", "Drawn")) } } }
            tbody { @for quota in &plan.quotas { tr {
                td data-label=(lang.t("层", "Stratum")) {
                    @if quota.stratum == "*" && plan.quotas.len() == 1 { (lang.t("每一层", "each stratum")) }
                    @else if quota.stratum == "*" { (lang.t("其余各层", "every other stratum")) } @else { (words::stratum(lang, &quota.stratum, on)) }
                }
                td data-label=(lang.t("抽取", "Drawn")) { @match quota.amount {
                    Some(Amount::Ppm(ppm)) => { (words::percent(ppm)) (lang.t("，进位取整", ", rounded up")) },
                    Some(Amount::Count(count)) => { (words::count(count)) (lang.t(" 户", "")) },
                    None => "—",
                } }
            } } }
        }
    }
}

/// What of the draws is public later or never, and what else the plan foresees, each with its published reason.
fn publication(lang: Lang, plan: &Plan) -> Markup {
    let withheld = plan.withheld.as_ref().filter(|one| !one.files.is_empty());
    html! {
        h2 { (lang.t("公布", "Publication")) }
        @if withheld.is_none() && plan.publish_after.is_none() {
            p { (lang.t("抽查结果和全部证据在揭晓时公布，任何人都可以复核。", "Result and evidence are public from the reveal on; anybody can recheck them.")) }
        }
        @if let Some(one) = withheld {
            p {
                (lang.t("依法不公开：", "Withheld by law: "))
                @for (at, file) in one.files.iter().enumerate() { @if at > 0 { (lang.t("、", ", ")) } (table_of(lang, file)) " " code { (file) } }
                (lang.t("。指纹仍在声明中公布。", ". Their fingerprints are public in the statement."))
            }
            p.quiet { (lang.t("依据：", "Basis: ")) (one.basis) }
        }
        @if !plan.register_basis.is_empty() { p.quiet { (lang.t("公开分类名录的依据：", "Basis for publishing a register by class: ")) (plan.register_basis) } }
        @if let Some(one) = &plan.publish_after {
            p { (lang.t("不预先告知的检查：名单和证据自 ", "Unannounced visits: list and evidence are public from ")) strong { (words::date(lang, &one.date)) } (lang.t(" 起公布（第十八条）。", " on (art. 18).")) }
            p.quiet { (lang.t("依据：", "Basis: ")) (one.basis) }
        }
        @if !plan.foresees_supplementary.is_empty() { p { strong { (lang.t("可以补充抽取：", "A supplementary draw may follow: ")) } (plan.foresees_supplementary) } }
        @if !plan.second_visit_reason.is_empty() { p { strong { (lang.t("同一季度可再次检查：", "A second visit in one quarter: ")) } (plan.second_visit_reason) } }
    }
}

fn table_of(lang: Lang, file: &str) -> &str {
    match file {
        "subjects.tsv" => lang.t("检查对象名录", "the register of subjects"),
        "left_out.tsv" => lang.t("未入池名单", "the left-out list"),
        "officers.tsv" => lang.t("执法人员名单", "the officers"),
        "experts.tsv" => lang.t("专家名单", "the experts"),
        "exclusions.tsv" => lang.t("回避名单", "the recusals"),
        _ => "",
    }
}

/// `/plans.csv`.
pub async fn table(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let header = lang.t(
        "编号,名称,年度,单位,类型,状态,开始,结束,方式,频次,事项,抽查,公布时间",
        "plan,title,year,organisation,kind,state,start,end,method,frequency,items,draws,published",
    );
    let ask = |reader: Reader, token: String| async move {
        let request = pb::ListPlansRequest { page_token: token, page_size: 100, ..request(&reader) };
        let found = ask::list_plans(&reader, request).await?;
        Ok((found.plans.into_iter().map(|found| row(&reader, found)).collect(), found.next_page_token))
    };
    Table { file: "plans.csv", header }.answer(reader, ask).await
}

fn row(reader: &Reader, found: pb::PublicPlan) -> Vec<String> {
    let plan = found.plan.unwrap_or_default();
    let organisation = words::unit(reader.lang, &found.units, &plan.organisation).to_owned();
    let published = words::instant(plan.publish_time.as_ref()).map(|at| at.to_rfc3339()).unwrap_or_default();
    let (kind, state) = (words::plan_kind(reader.lang, plan.kind()), words::plan_state(reader.lang, plan.state()));
    vec![
        plan.name,
        plan.title,
        plan.year.to_string(),
        organisation,
        kind.to_owned(),
        state.to_owned(),
        plan.start_date,
        plan.end_date,
        plan.method,
        plan.frequency,
        found.item_titles.join("; "),
        found.draws.join(" "),
        published,
    ]
}

#[cfg(test)]
mod tests {
    use proto::qingtian::draws::v1::{PublishAfter, Withholding};

    use super::*;

    #[test]
    fn a_plan_says_what_is_public_later_or_never_and_why() {
        let open = publication(Lang::Zh, &Plan::default()).into_string();
        assert!(open.contains("揭晓时公布") && !open.contains("依据"), "{open}");
        let files = vec!["subjects.tsv".to_owned(), "officers.tsv".to_owned()];
        let plan = Plan {
            withheld: Some(Withholding { basis: "国市监信发〔2022〕6号".to_owned(), files }),
            publish_after: Some(PublishAfter { basis: "食品安全法".to_owned(), date: "2027-01-05".to_owned() }),
            foresees_supplementary: "检查力量增加时".to_owned(),
            ..Plan::default()
        };
        for (lang, words) in [
            (
                Lang::Zh,
                [
                    "检查对象名录",
                    "执法人员名单",
                    "国市监信发〔2022〕6号",
                    "2027年1月5日",
                    "食品安全法",
                    "检查力量增加时",
                ],
            ),
            (
                Lang::En,
                [
                    "the register of subjects",
                    "the officers",
                    "国市监信发〔2022〕6号",
                    "2027",
                    "食品安全法",
                    "检查力量增加时",
                ],
            ),
        ] {
            let page = publication(lang, &plan).into_string();
            for word in words {
                assert!(page.contains(word), "{word}: {page}");
            }
            assert!(!page.contains("from the reveal on") && !page.contains("揭晓时公布"), "{page}");
        }
    }
}
