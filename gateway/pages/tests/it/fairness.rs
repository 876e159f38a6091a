//! Statistics of fairness on the public pages (art. 10, 11).

use http::StatusCode;

use crate::{
    city,
    stage::{City, Page, get, pages},
};

fn holds(page: &Page, all: &[&str]) {
    assert_eq!(page.status, StatusCode::OK);
    for shown in all {
        assert!(page.text.contains(shown), "{shown} is not in {}", page.text);
    }
}

#[tokio::test]
async fn a_draw_tells_each_ones_chance_who_was_left_out_and_how_officers_were_loaded() {
    let pages = pages(city::city()).await;
    holds(
        &get(&pages, "/draws/2026-0001").await,
        &[
            "<span class=\"wide\">60 / 1,200 = </span><strong>5%</strong>",
            "<span class=\"wide\">120 / 2,400 = </span><strong>5%</strong>",
            "已注销</td><td class=\"number\" data-label=\"户数\">41",
            "<details class=\"folded\"><summary>各层的门槛（最大的中签号）</summary>",
            "<th scope=\"col\">规则</th>",
            "本季度已检查过（第十七条）",
            "48</td></tr></tfoot>",
            // 240 places among 47 officers, of whom 45 went: two are counted as having no subject.
            "5–6 户",
            "<td class=\"number\" data-label=\"每人抽到几户\">0</td><td class=\"number\" data-label=\"人数\">6</td>",
            "2–3 户：已达到",
            "没有选择余地",
        ],
    );
    let csv = get(&pages, "/draws/2026-0001/fairness.csv").await;
    holds(
        &csv,
        &[
            "inclusion,410202,60,1200,50000\r\n",
            "left_out,DEREGISTERED,41,,\r\n",
            "unit,market,240,47,\r\n",
            "officers_with,5,30,,\r\n",
            "no_choice,,3,120,\r\n",
        ],
    );
    holds(
        &get(&pages, "/draws/2026-0001?lang=en").await,
        &["Chance of each", "chance decided nothing about who goes there"],
    );
}

#[tokio::test]
async fn of_a_withheld_register_quotas_and_totals_are_told_and_why_no_more_is() {
    let pages = pages(city::city()).await;
    let page = get(&pages, "/draws/2026-0005").await;
    holds(
        &page,
        &[
            "各层的抽取规则",
            "龙亭区 D 类",
            "100%",
            "信用等级不公开",
            "只能“部分核实”",
            "<code>subjects.tsv</code>：入池名单与声明的指纹",
            "/draws/2026-0005/own-line",
            "逐户的名单（left_out.tsv）依法不公开",
        ],
    );
    assert!(!page.text.contains("Threshold") && !page.text.contains("门槛（最大的中签号）"), "{}", page.text);
    assert!(!page.text.contains("name=\"firm\""), "nobody looks a firm up");
    let csv = get(&pages, "/draws/2026-0005/fairness.csv").await;
    assert!(!csv.text.contains("inclusion,"), "{}", csv.text);
    let waits = get(&pages, "/draws/2026-0004").await;
    assert!(!waits.text.contains("执法人员的任务量") && !waits.text.contains("没有选择余地"), "{}", waits.text);
}

#[tokio::test]
async fn the_history_counts_every_number_and_names_what_ended_and_why() {
    let site = pages(city::city()).await;
    let page = get(&site, "/fairness").await;
    holds(
        &page,
        &[
            "开封市市场监督管理局",
            "/draws?organisation=market&amp;year=2026",
            "<td class=\"number\" data-label=\"放弃\">1</td>",
            "/draws/2026-000",
        ],
    );
    holds(&get(&site, "/fairness.csv").await, &["market,开封市市场监督管理局,2026,7,1,4,1,1,1,9600,480,8,4\r\n"]);
    holds(&get(&site, "/draws?organisation=market&year=2026&ended=1").await, &["只看：", "2026 年", "放弃和作废的"]);
    holds(&get(&site, "/draws").await, &["href=\"/fairness\""]);
    let empty = pages(City::default()).await;
    assert_eq!(get(&empty, "/fairness").await.status, StatusCode::OK);
}
