//! The home page: search over everything, what is going on, and in three sentences how a draw works.

use axum::response::Response;
use maud::{Markup, html};
use proto::qingtian::portal::v1 as pb;

use crate::{ask, draws, failure::Failure, frame, frame::Head, picture, plans, reader::Reader, words};

/// `/`.
pub async fn page(reader: Reader) -> Result<Response, Failure> {
    let lang = reader.lang;
    let overview =
        ask::get_overview(&reader, pb::GetOverviewRequest {}).await.map_err(|refused| refused.page(&reader))?;
    let body = html! {
        h1 { (lang.t("查谁、谁去查，机器抽、人人可复核", "Who is inspected, and by whom: drawn by lot, checkable by anybody")) }
        (frame::search(lang, ""))
        (figures(&reader, &overview))
        section aria-labelledby="newest-draws" {
            h2 #newest-draws { (lang.t("最近的抽查", "Newest draws")) }
            @if overview.newest_draws.is_empty() {
                p.quiet { (lang.t("还没有抽查。抽查一经编号就会出现在这里，放弃和作废的也不例外。", "No draws yet. Each appears here as soon as it has a number, abandoned and failed ones included.")) }
            } @else {
                (draws::list(&reader, &overview.newest_draws))
                p { a href="/draws" { (lang.t("全部抽查", "All draws")) } }
            }
        }
        section aria-labelledby="how" {
            h2 #how { (lang.t("怎样抽签，为什么信得过", "How a draw works, and why it can be trusted")) }
            div.beside {
                (picture::draw(lang))
                ol.how {
                    li { (lang.t(
                        "抽签前，名单、规则和一个秘密数的指纹先公布并签名，从此谁也改不了。",
                        "Before the draw, the fingerprints of the lists, the rules and a secret number are published and signed; from then on nobody can change them.",
                    )) }
                    li { (lang.t(
                        "随后由几方各给一个随机数，最后是谁也控制不了的公共随机数（如福利彩票开奖号码）。",
                        "Then several parties each give a number, the last coming from a public source that nobody controls, such as a lottery.",
                    )) }
                    li { (lang.t(
                        "全部合起来算出每家企业的“号”，号最小的被抽中；任何人用公布的材料都能重算一遍。",
                        "All of it together gives every firm its ticket; the smallest tickets are drawn, and anybody can compute them again from what is published.",
                    )) }
                }
            }
            p { a href="/about" { (lang.t("详细说明和三种复核办法", "In detail, with three ways to check")) } }
        }
        section aria-labelledby="newest-plans" {
            h2 #newest-plans { (lang.t("最近公布的检查计划", "Newest plans")) }
            p.quiet { (lang.t("无检查计划不得对企业进行检查（", "No inspection without a published plan (")) a href="/law#article-9" { (lang.t("第九条", "art. 9")) } (lang.t("）。", ").")) }
            @if overview.newest_plans.is_empty() {
                p.quiet { (lang.t("还没有公布的计划。", "No plan is published yet.")) }
            } @else {
                (plans::list(&reader, &overview.newest_plans))
                p { a href="/plans" { (lang.t("全部计划", "All plans")) } }
            }
        }
    };
    Ok(frame::page(&reader, Head::default(), body))
}

fn figures(reader: &Reader, overview: &pb::Overview) -> Markup {
    let lang = reader.lang;
    let figures = [
        (overview.draws, lang.t("今年完成的抽查", "draws this year"), "/draws"),
        (overview.drawn, lang.t("今年抽中的对象", "drawn this year"), "/draws"),
        (overview.plans, lang.t("今年公布的计划", "plans this year"), "/plans"),
        (overview.items, lang.t("公开的监管事项", "published items"), "/items"),
        (overview.ended_draws, lang.t("今年放弃或作废的抽查", "draws given up or failed"), "/draws"),
    ];
    html! {
        ul.figures {
            @for (number, name, href) in figures {
                li { a href=(href) { strong { (words::count(number)) } span { (name) } } }
            }
        }
    }
}
