//! A firm takes its own line home by the one-time code it was handed (art. 10): a form whose code stands in no address, and an
//! answer to print and to keep, with how to check it. Shown once; nobody keeps it here.

use std::fmt::Write as _;

use axum::{
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use maud::{Markup, html};
use proto::qingtian::draws::v1::{OwnLine, RedeemProofCodeRequest};
use tonic::Code;
use url::form_urlencoded;

use super::facts::Facts;
use crate::{Site, ask, draws, failure::Failure, failure::Refused, frame, frame::Head, reader::Reader, words};

/// Bytes of the form's answer at the most.
pub const FORM_BYTES_MAX: usize = 4 << 10;

/// `GET /draws/{number}/own-line`.
pub async fn form(Path(number): Path<String>, reader: Reader) -> Result<Response, Failure> {
    let facts = Facts::of(&reader, ask::draw(&reader, &number).await?);
    Ok(page(&reader, &facts, StatusCode::OK, asking(&reader, &facts, "", None)))
}

/// `POST /draws/{number}/own-line`.
pub async fn redeem(
    State(_): State<Site>,
    Path(number): Path<String>,
    reader: Reader,
    body: Bytes,
) -> Result<Response, Failure> {
    let facts = Facts::of(&reader, ask::draw(&reader, &number).await?);
    let code = form_urlencoded::parse(&body).find(|(name, _)| name == "code").map(|(_, value)| value.trim().to_owned());
    let code = code.unwrap_or_default();
    let request = RedeemProofCodeRequest { draw: facts.public.name.clone(), code: code.clone() };
    Ok(match ask::redeem_proof_code(&reader, request).await {
        Ok(own) => page(&reader, &facts, StatusCode::OK, answer(&reader, &facts, &own)),
        Err(refused) => {
            let status = match refused.code {
                Code::NotFound | Code::InvalidArgument => StatusCode::UNPROCESSABLE_ENTITY,
                Code::FailedPrecondition => StatusCode::CONFLICT,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            page(&reader, &facts, status, asking(&reader, &facts, &code, Some(&refused)))
        }
    })
}

fn page(reader: &Reader, facts: &Facts, status: StatusCode, body: Markup) -> Response {
    let title = format!("{} {}", reader.lang.t("本户凭证", "A firm's own line"), facts.number);
    let draw = format!("/draws/{}", facts.number);
    let here = format!("{draw}/own-line");
    let trail = [
        ("/draws", reader.lang.t("抽查", "Draws")),
        (draw.as_str(), facts.number.as_str()),
        (here.as_str(), reader.lang.t("本户凭证", "A firm's own line")),
    ];
    let body = html! {
        h1 { (title) br; span.sub { (draws::title(&facts.public)) } }
        (body)
    };
    let mut response = frame::page(reader, Head { title: &title, status, trail: &trail, ..Head::default() }, body);
    // Neither a code nor a line stays in anybody's cache.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.into_response()
}

/// The form; with what was typed and why it was refused.
fn asking(reader: &Reader, facts: &Facts, code: &str, refused: Option<&Refused>) -> Markup {
    let lang = reader.lang;
    html! {
        p.lead { (lang.t(
            "凭抽查单位送达的一次性查询码，取得您这一户在这次抽查中的原始记录和证明：是否入池、在哪一层、号和门槛、是否抽中。",
            "With the one-time code the drawing unit handed you, get your own firm's line in this draw with its proof: in the pool or not, under which quota, its ticket and threshold, drawn or not.",
        )) }
        @if !facts.is_revealed() {
            p.notice { (lang.t("这次抽查还没有揭示，揭示之后才能取得凭证。查询码不会失效。", "This draw is not revealed yet; lines are handed out after that. Your code stays valid.")) }
        } @else if facts.waits() {
            p.notice {
                (lang.t("结果将于 ", "The result becomes public on ")) (words::date(lang, &facts.public.publish_after))
                (lang.t(" 公布，此前不能取得凭证；查询码在公布后仍可使用。", "; until then no line is handed out, and your code stays valid beyond that day."))
            }
        }
        form.search method="post" action={ "/draws/" (facts.number) "/own-line" } {
            label for="code" { (lang.t("一次性查询码（16 位字母和数字，不分大小写）", "One-time code (16 letters and digits, capitals or not)")) }
            @if let Some(refused) = refused { p.wrong #code-wrong { (refused.sentence(lang)) } }
            div.row {
                input #code name="code" value=(code) maxlength="40" autocomplete="off" autocapitalize="characters" spellcheck="false" required
                    aria-describedby=[refused.map(|_| "code-wrong")] aria-invalid=[refused.map(|_| "true")];
                button { (lang.t("取得凭证", "Get the line")) }
            }
        }
        ul {
            li { (lang.t("查询码只能用一次：请在能打印或保存文件的设备上使用。", "A code works once: use it where you can print or save a file.")) }
            li { (lang.t("还没有查询码的，请向抽查单位领取，须出示本企业的证件：", "Without a code, ask the drawing unit for one, with your firm's papers: ")) (words::unit(lang, &facts.public.units, &facts.draw.organisation)) (lang.t("。", ".")) }
            @if facts.is_public() && !facts.is_withheld("subjects.tsv") {
                li { (lang.t("这次抽查的名单是公开的，不用查询码也可以", "The register of this draw is public, so you may also ")) a href={ "/draws/" (facts.number) "#firm" } { (lang.t("直接查询", "look a firm up without a code")) } (lang.t("。", ".")) }
            }
        }
    }
}

/// The line, to print and to keep.
fn answer(reader: &Reader, facts: &Facts, own: &OwnLine) -> Markup {
    let lang = reader.lang;
    let name = if own.title.is_empty() { &own.subject } else { &own.title };
    let in_pool = !own.ticket.is_empty();
    let (class, sentence) = match (in_pool, own.drawn) {
        (true, true) => ("answer drawn", lang.t("被抽中。", "was drawn.")),
        (true, false) => ("answer", lang.t("已入池，没有抽中。", "was in the pool and was not drawn.")),
        (false, _) => (
            "answer",
            lang.t("在计划范围内，但没有入池。", "is within the plan's scope, but was left out of the pool."),
        ),
    };
    let file = format!("own-line-{}.json", facts.number);
    let data = format!("data:application/json;base64,{}", STANDARD.encode(&own.own_line_json));
    html! {
        p.notice role="status" {
            strong { (lang.t("查询码已经用掉，本页离开后不能再打开。", "The code is used up: once left, this page cannot be opened again. ")) }
            (lang.t("请现在打印本页，并保存文件：", "Print it now, and save the file: "))
            a href=(data) download=(file) { (lang.t("保存凭证文件 ", "save ")) (file) }
        }
        div class=(class) {
            p { strong { (name) } " " (sentence) }
            @if !in_pool { p { (lang.t("原因：", "Reason: ")) (words::left_out(lang, &own.left_out_reason)) } }
            dl.hashes {
                dt { (lang.t("代码", "Key")) } dd { code { (own.subject) } }
                @if in_pool {
                    dt { (lang.t("层", "Stratum")) } dd { (words::stratum(lang, &own.stratum, facts.on)) " " code { (own.stratum) } }
                    dt { (lang.t("区县", "District")) } dd { (words::district(lang, &own.district, facts.on)) }
                    dt { (lang.t("号", "Ticket")) } dd { code.hash { (own.ticket) } }
                    dt { (lang.t("本层门槛", "Threshold of the stratum")) }
                    dd { @if own.threshold.is_empty() { (lang.t("本层没有抽取", "nobody is drawn in this stratum")) } @else { code.hash { (own.threshold) } } }
                }
                @if own.drawn {
                    dt { (lang.t("检查组（执法证号）", "Team (certificate numbers)")) }
                    dd { @if own.officers.is_empty() { (lang.t("组不成检查组，待补抽", "no team could be formed; to be drawn")) } @else { (own.officers.join(lang.t("、", ", "))) } }
                    @if !own.experts.is_empty() { dt { (lang.t("专家", "Experts")) } dd { (own.experts.join(lang.t("、", ", "))) } }
                }
                dt { (lang.t("原始记录（", "The line (")) (own.file) (lang.t("）", ")")) } dd { code.hash { (own.line.replace('\t', " ⇥ ")) } }
                @if in_pool { dt { (lang.t("位置", "Place")) } dd { (lang.t("第 ", "line ")) (words::count(own.leaf_index + 1)) (lang.t(" 行，共 ", " of ")) (words::count(own.subjects)) (lang.t(" 行", "")) } }
                dt { (lang.t("声明", "Statement")) } dd { code.hash { (own.statement) } }
            }
        }
        @if in_pool { (checks(reader, facts, own)) } @else { (checks_of_left_out(reader, facts, own)) }
        section aria-labelledby="by-program" {
            h2 #by-program { (lang.t("用程序核对", "Check it by program")) }
            p { (lang.t("下载证据包和公钥，连同保存的凭证文件：", "Download the evidence and the keys, and with the file you saved:")) }
            pre { code { "qingtian verify draws-" (facts.number) ".tar.gz --jwks jwks.json --line " (file) @if facts.is_demonstration() { " --demo" } } }
            p { a href={ "/v1/public/draws/" (facts.number) "/evidence" } { (lang.t("证据包", "evidence")) } " · " a href="/.well-known/jwks.json" { (lang.t("公钥", "keys")) } }
            details {
                summary { (lang.t("凭证文件的内容", "Content of the file")) }
                pre.wrap { code { (own.own_line_json) } }
            }
        }
    }
}

/// How anybody computes ticket and proof.
fn checks(reader: &Reader, facts: &Facts, own: &OwnLine) -> Markup {
    let lang = reader.lang;
    html! {
        section aria-labelledby="by-hand" {
            h2 #by-hand { (lang.t("自己核对", "Check it yourself")) }
            ol {
                li {
                    (lang.t("号由公布的种子和您的代码算出：", "The ticket follows from the published seed and your key:"))
                    pre { code { "printf '%s\\nsubject\\n%s\\n' " (own.seed) " " (own.subject) " | sha256sum" } }
                }
                li { (lang.t("号与门槛按十六进制从左到右比较，不高于门槛即抽中。", "Compare ticket and threshold from the left: drawn exactly when the ticket is not above the threshold. "))
                    @if facts.is_withheld("subjects.tsv") {
                        (lang.t(
                            "各层门槛没有公开，但门槛一定是抽中者中的一个号，可以在证据包的 result.tsv 里找到。",
                            "Thresholds are not public here, but each is the ticket of somebody drawn: find it in result.tsv of the evidence.",
                        ))
                    }
                }
                li {
                    (lang.t(
                        "您的一行在抽签之前就在名单里：在 Linux 的 bash 里执行下面几行，最后一行应是声明里的树根 ",
                        "Your line was in the register before the draw. Run these lines in bash on Linux; the last one must print the root in the statement, ",
                    )) code.hash { (own.merkle_root) } (lang.t("。", "."))
                    pre { code { (script(own)) } }
                }
            }
        }
    }
}

fn checks_of_left_out(reader: &Reader, facts: &Facts, own: &OwnLine) -> Markup {
    let lang = reader.lang;
    html! {
        section aria-labelledby="by-hand" {
            h2 #by-hand { (lang.t("自己核对", "Check it yourself")) }
            @if facts.is_withheld(&own.file) {
                p { (lang.t(
                    "未入池名单依法不公开，单凭这一行无法核对它的指纹；有权查阅全部名单的审计部门可以核对。",
                    "The left-out list is withheld by law, and one line cannot be checked against its fingerprint; auditors, who get the whole list, can.",
                )) }
            } @else {
                p { (lang.t("这一行就在证据包的 left_out.tsv 里，该文件的指纹写在声明中。", "This line stands in left_out.tsv of the evidence, whose fingerprint is in the statement.")) }
            }
        }
    }
}

/// The proof as lines of a shell: RFC 9162, section 2.1.3.2. Names hold nothing that a shell would take for its own.
fn script(own: &OwnLine) -> String {
    let mut script = format!("h=$(printf '\\000{}' | sha256sum | cut -c1-64)\n", own.line.replace('\t', "\\t"));
    script.push_str("node() { env printf \"$(echo \"01$1$2\" | sed 's/../\\\\x&/g')\" | sha256sum | cut -c1-64; }\n");
    let (mut index, mut last) = (own.leaf_index, own.subjects - 1);
    for step in &own.proof {
        // Writing into a text does not fail.
        let _ = if index & 1 == 1 || index == last {
            while index & 1 == 0 && index != 0 {
                index >>= 1;
                last >>= 1;
            }
            writeln!(script, "h=$(node {step} $h)")
        } else {
            writeln!(script, "h=$(node $h {step})")
        };
        index >>= 1;
        last >>= 1;
    }
    script.push_str("echo $h");
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The script in a shell leads to the root of the protocol's own tree, from every line of trees of all small shapes.
    #[test]
    fn the_printed_lines_of_shell_lead_to_the_root() {
        for lines in [1_usize, 2, 3, 7, 11] {
            let file: String =
                (0..lines).map(|n| format!("{n}7key\t410202/C\t410202\t{}\n", "0f".repeat(16))).collect();
            let root = lottery::merkle::root(file.as_bytes());
            for (at, line) in file.lines().enumerate() {
                let proof = lottery::merkle::prove(file.as_bytes(), at as u64).unwrap();
                let own = OwnLine {
                    line: line.to_owned(),
                    leaf_index: i64::try_from(at).unwrap(),
                    subjects: i64::try_from(lines).unwrap(),
                    proof: proof.path.iter().map(ToString::to_string).collect(),
                    ..OwnLine::default()
                };
                let ran = std::process::Command::new("bash").arg("-c").arg(script(&own)).output().unwrap();
                assert_eq!(String::from_utf8(ran.stdout).unwrap().trim(), root.to_string(), "{at} of {lines}");
            }
        }
    }
}
