//! One draw in every state: what is known is shown, what is not says when.

use http::StatusCode;

use crate::{
    city::{EXCEPTION, FIRM, RECUSED, city, digest},
    stage::{City, get, get_with, pages},
};

#[tokio::test]
async fn a_finished_draw_shows_who_was_drawn_by_what_and_how_to_check_it() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0001").await.text;
    for shown in [
        "从 2,400 户入池对象中抽出 120 户",
        &digest(11),
        &digest(16),
        &digest(17),
        "03 08 11 19 27 33 12",
        "www.cwl.gov.cn",
        "5%，进位取整",
        "龙亭区",
        "16020001、16030001",
        "组不成检查组",
        "已派出 118 项检查任务",
        "183 KB",
        "开封市人民政府督查局",
        "见证人",
        "id=\"recheck\"",
        "data-bundle=\"/v1/public/draws/2026-0001/evidence\"",
        "data-jwks=\"/.well-known/jwks.json\"",
        "data-demo=\"true\"",
        "<noscript>",
        "qingtian verify draws-2026-0001.tar.gz --jwks jwks.json --demo",
        "src=\"/assets/recheck/recheck.js\"",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
}

#[tokio::test]
async fn the_drawn_are_paged_searched_and_kept_apart_by_stratum() {
    let pages = pages(city()).await;
    let first = get(&pages, "/draws/2026-0001").await.text;
    assert!(first.contains("开封第20食品有限公司") && !first.contains("开封第21食品有限公司"));
    assert!(first.contains("共 120 户") && first.contains("page=20"));
    let second = get(&pages, "/draws/2026-0001?page=20").await.text;
    assert!(second.contains("开封第21食品有限公司") && second.contains("回到第一页"));
    let found = get(&pages, "/draws/2026-0001?q=%E7%AC%AC7%E9%A3%9F").await.text;
    assert!(found.contains("共 1 户") && found.contains("value=\"第7食\""));
    let none = get(&pages, "/draws/2026-0001?q=zzz").await.text;
    assert!(none.contains("没有找到"));
}

#[tokio::test]
async fn a_firm_finds_its_ticket_its_threshold_and_the_line_to_compute_it() {
    let pages = pages(city()).await;
    let text = get(&pages, &format!("/draws/2026-0001?firm={FIRM}")).await.text;
    assert!(text.contains("被抽中。") && text.contains(&digest(1)));
    assert!(text.contains(&format!("printf '%s\\nsubject\\n%s\\n' {} {FIRM} | sha256sum", digest(16))));
    assert!(text.contains("第 7 行") && text.contains(&digest(22)));
    let left = get(&pages, "/draws/2026-0001?firm=91410200MA0000LEFT").await.text;
    assert!(left.contains("没有入池") && left.contains("不在经营状态"));
    let english = get_with(&pages, "/draws/2026-0001", "lang=en").await.text;
    assert!(english.contains("Market Supervision Bureau") && english.contains("开封市人民政府督查局"));
    let stranger = get_with(&pages, "/draws/2026-0001?firm=nobody", "lang=en").await.text;
    assert!(stranger.contains("is not within the scope of this draw"));
}

#[tokio::test]
async fn before_the_reveal_a_draw_says_what_is_known_and_when_the_rest_comes() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0003").await.text;
    assert!(text.contains("还没有抽") && text.contains("2026年11月20日 (周五) 21:15"));
    assert!(text.contains("1 / 2 方已提交") && text.contains("尚未提交"));
    assert!(text.contains("接替作废的") && text.contains("href=\"/draws/2026-0002\""));
    for hidden in ["id=\"recheck\"", "recheck.js", "/evidence\"", "drawn.csv"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
    let numbered = get(&pages, "/draws/2026-0007").await.text;
    assert!(numbered.contains("名单和规则尚未定稿") && !numbered.contains("id=\"fingerprints\""));
}

#[tokio::test]
async fn failed_and_abandoned_draws_say_why_and_point_at_their_successors() {
    let pages = pages(city()).await;
    let failed = get(&pages, "/draws/2026-0002").await.text;
    assert!(failed.contains("截止时有一方没有提交随机数") && failed.contains("href=\"/draws/2026-0003\""));
    assert!(failed.contains("没有进行"));
    let abandoned = get(&pages, "/draws/2026-0006").await.text;
    assert!(abandoned.contains("名录有误，改正后重抽"));
}

#[tokio::test]
async fn an_unannounced_draw_hides_its_list_until_its_day_and_shows_its_fingerprint() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0004?firm=91410200MA00000017").await.text;
    assert!(text.contains("2026年12月31日 (周四)") && text.contains("食品安全法第一百零九条"));
    assert!(text.contains(&digest(17)), "the evidence's fingerprint can be kept");
    for hidden in ["开封第1食品有限公司", "被抽中。", &digest(16), "id=\"recheck\"", "drawn.csv"] {
        assert!(!text.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn a_withheld_pool_cannot_be_looked_up_and_says_on_what_basis() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0005?firm=91410200MA00000017").await.text;
    assert!(text.contains("信用等级不公开") && text.contains("subjects.tsv"));
    assert!(text.contains("入池名单依法不公开") && !text.contains("name=\"firm\""));
}

#[tokio::test]
async fn the_rules_come_byte_for_byte_and_the_recipe_with_the_draws_own_values() {
    let pages = pages(city()).await;
    let rules = get(&pages, "/draws/2026-0001/rules.json").await;
    assert_eq!(rules.headers["content-type"], "application/json");
    assert!(rules.text.starts_with("{\"quotas\":") && rules.text.ends_with('}'));
    assert_eq!(get(&pages, "/draws/2026-0007/rules.json").await.status, StatusCode::NOT_FOUND);
    let recipe = get(&pages, "/draws/2026-0001/recipe").await.text;
    assert!(recipe.contains("http://kaifeng.example/v1/public/draws/2026-0001/evidence"));
    assert!(recipe.contains(&digest(12)) && recipe.contains(FIRM) && !recipe.contains("91410200DEMO000020"));
    let early = get(&pages, "/draws/2026-0004/recipe").await.text;
    assert!(early.contains("证据包还没有公布") && !early.contains("curl "));
}

#[tokio::test]
async fn changes_of_teams_since_the_draw_are_told_line_by_line() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0001").await.text;
    for shown in [
        "抽取之后的人员变动",
        "16020001",
        "16040001",
        "开封第5食品有限公司",
        "亲属关系",
        "空缺",
        "market/reviewer",
        "/v1/public/draws/2026-0001/log\"",
        "/v1/public/draws/2026-0001/log/head\"",
        "log=20#log",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
    let rest = get(&pages, "/draws/2026-0001?log=20&lang=en").await.text;
    assert!(
        rest.contains("Changes of teams since the draw") && rest.contains("16040022") && rest.contains("First page")
    );
    let none = get(&pages, "/draws/2026-0003").await.text;
    assert!(!none.contains("id=\"log\""), "nobody was recused there");
}

#[tokio::test]
async fn the_left_out_list_is_pointed_at_in_every_state_and_an_empty_file_is_called_empty() {
    let pages = pages(city()).await;
    let text = get(&pages, "/draws/2026-0001").await.text;
    assert!(
        text.contains("的 left_out.tsv 里")
            && text.contains("<a href=\"/v1/public/draws/2026-0001/evidence\">证据包</a>")
    );
    assert_eq!(text.matches("空文件").count(), 1, "exclusions.tsv alone is empty");
    for (path, said) in [
        ("/draws/2026-0002", "没有证据包"),
        ("/draws/2026-0003", "未入池名单是空的"),
        ("/draws/2026-0004", "名单随证据包公布"),
        ("/draws/2026-0005", "逐户的名单（left_out.tsv）依法不公开"),
    ] {
        assert!(get(&pages, path).await.text.contains(said), "{path}: {said}");
    }
    let english = get_with(&pages, "/draws/2026-0001", "lang=en").await.text;
    assert!(english.contains("as left_out.tsv") && english.contains("an empty file"));
}

#[tokio::test]
async fn a_code_with_a_slip_is_told_so_and_not_that_it_is_out_of_scope() {
    let pages = pages(city()).await;
    for (asked, said, english) in [
        ("91410202MA0000001", "代码应为18位，实际17位", "17 characters instead of 18"),
        ("91410202+MA00000018", "代码中间有空格", "a space within the code"),
        ("91410202MA00000000", "代码校验位应为", "the check digit is"),
    ] {
        let path = format!("/draws/2026-0001?firm={asked}");
        let text = get(&pages, &path).await.text;
        assert!(text.contains(said) && text.contains("aria-invalid=\"true\""), "{asked}");
        assert!(!text.contains("不在这次抽查的范围内"), "{asked}");
        let text = get_with(&pages, &path, "lang=en").await.text;
        assert!(text.contains(english) && !text.contains("is not within the scope"), "{asked}");
    }
    let name = get(&pages, "/draws/2026-0001?firm=%E5%BC%80%E5%B0%81").await.text;
    assert!(name.contains("不在这次抽查的范围内"));
}

#[tokio::test]
async fn one_thing_has_one_word() {
    let pages = pages(city()).await;
    for path in ["/", "/about", "/draws", "/draws/2026-0001", "/draws/2026-0003", "/draws/2026-0005", "/plans/2026-01"]
    {
        let text = get(&pages, path).await.text;
        for other in ["在册", "密值", "信标", "公开来源", "抽签单位", " 家"] {
            assert!(!text.contains(other), "{path}: {other}");
        }
    }
}

#[tokio::test]
async fn approved_exceptions_are_told_by_kind_with_the_plan_and_with_each_of_its_draws() {
    let whole = pages(city()).await;
    for path in ["/plans/2026-01", "/draws/2026-0001", "/draws/2026-0002", "/draws/2026-0004", "/draws/2026-0007"] {
        for (lang, said, small, recusals) in [
            ("zh", "经批准的例外：", "分层过小（不足 20 户）。理由：", "申报回避后可派人员不足。理由："),
            (
                "en",
                "Approved exception: ",
                "small strata (under 20 subjects). Reason: ",
                "declared recusals leave subjects too few people. Reason: ",
            ),
        ] {
            let page = get_with(&whole, path, &format!("lang={lang}")).await.text;
            for told in [format!("{small}{EXCEPTION}"), format!("{recusals}{RECUSED}")] {
                let notice = format!("<p class=\"notice\"><strong>{said}</strong>{told}</p>");
                assert_eq!(page.matches(&notice).count(), 1, "{path} {lang}: {told}");
            }
            assert_eq!(page.matches(said).count(), 2, "{path} {lang}: what was not approved is not said");
        }
    }
    // Where nothing was approved nothing is said, and a draw whose plan is not public has its page all the same.
    let mut plain = city();
    plain.plans[0].plan.as_mut().unwrap().exceptions.clear();
    let without = City { plans: Vec::new(), ..city() };
    for (city, paths) in [(plain, &["/plans/2026-01", "/draws/2026-0001"][..]), (without, &["/draws/2026-0001"])] {
        let pages = pages(city).await;
        for path in paths {
            let page = get(&pages, path).await;
            assert!(page.status == StatusCode::OK && !page.text.contains("经批准的例外"), "{path}");
        }
    }
}
