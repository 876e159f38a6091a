//! The page of a witness's one-time link (art. 11, 15): what a witness does in plain words, the signed statement to keep, then
//! exactly one entry and its receipt. The link's secret comes as the address's fragment, which no browser sends; a small script
//! puts it into the form, and without script it is pasted there. Nothing is kept here.

use axum::{body::Bytes, response::Response};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header::CACHE_CONTROL};
use maud::{Markup, html};
use proto::qingtian::{
    draws::v1::{
        AddWitnessEntryRequest, AddWitnessEntryResponse, Draw, OpenWitnessLinkRequest, OpenWitnessLinkResponse,
    },
    portal::v1::Unit,
};
use sha2::{Digest, Sha256};
use tonic::Code;
use url::form_urlencoded;

use crate::{ask, failure::Refused, frame, frame::Head, reader::Reader, words};

/// Characters of an entry at the most, as the protocol says.
const VALUE_CHARS_MAX: usize = 200;

/// What a witness typed, kept when it has to be corrected.
#[derive(Default)]
struct Typed {
    permit: String,
    draw: String,
    statement: String,
    value: String,
    saved: bool,
}

/// A field of a sent form.
fn field(body: &Bytes, name: &str) -> String {
    let found = form_urlencoded::parse(body).find(|(key, _)| key == name);
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

/// `GET /witness`.
pub async fn form(reader: Reader) -> Response {
    page(&reader, StatusCode::OK, asking(&reader, "", None))
}

/// `POST /witness`: opens the link.
pub async fn open(reader: Reader, body: Bytes) -> Response {
    // A whole address may be pasted as well as its code.
    let pasted = field(&body, "code");
    let token = pasted.rsplit('#').next().unwrap_or_default().to_owned();
    match ask::open_witness_link(&reader, OpenWitnessLinkRequest { token: token.clone() }).await {
        Ok(opened) => {
            let units = units(&reader, &opened).await;
            page(&reader, StatusCode::OK, opened_page(&reader, &opened, &units))
        }
        Err(refused) => page(&reader, status(&refused), asking(&reader, &token, Some(&refused))),
    }
}

/// Names of the organisations in the draw; none where the portal has not heard of it yet.
async fn units(reader: &Reader, opened: &OpenWitnessLinkResponse) -> Vec<Unit> {
    let name = opened.draw.as_ref().map(|draw| draw.name.as_str()).unwrap_or_default();
    ask::draw(reader, words::last(name)).await.map(|found| found.units).unwrap_or_default()
}

/// `POST /witness/entry`: gives the entry.
pub async fn enter(reader: Reader, body: Bytes) -> Response {
    let typed = Typed {
        permit: field(&body, "permit"),
        draw: field(&body, "draw"),
        statement: field(&body, "statement"),
        value: field(&body, "value"),
        saved: !field(&body, "saved").is_empty(),
    };
    if !typed.saved {
        return page(&reader, StatusCode::UNPROCESSABLE_ENTITY, again(&reader, &typed, None));
    }
    let request = AddWitnessEntryRequest {
        permit: typed.permit.clone(),
        statement: typed.statement.clone(),
        value: typed.value.clone(),
    };
    match ask::add_witness_entry(&reader, request).await {
        Ok(receipt) => page(&reader, StatusCode::OK, receipt_page(&reader, &receipt, &typed.statement)),
        Err(refused) => page(&reader, status(&refused), again(&reader, &typed, Some(&refused))),
    }
}

fn status(refused: &Refused) -> StatusCode {
    match refused.code {
        Code::NotFound | Code::InvalidArgument => StatusCode::UNPROCESSABLE_ENTITY,
        Code::FailedPrecondition => StatusCode::CONFLICT,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn page(reader: &Reader, status: StatusCode, body: Markup) -> Response {
    let title = reader.lang.t("抽签见证", "Witnessing a draw");
    let trail = [("/draws", reader.lang.t("抽查", "Draws")), ("/witness", title)];
    let head = Head { title, status, trail: &trail, script: "witness.js", ..Head::default() };
    let mut response = frame::page(reader, head, body);
    // Neither a code nor a permit stays in anybody's cache.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The form for the code; with why it was refused.
fn asking(reader: &Reader, code: &str, refused: Option<&Refused>) -> Markup {
    let lang = reader.lang;
    html! {
        h1 { (lang.t("抽签见证", "Witnessing a draw")) }
        p.lead { (lang.t(
            "您受邀见证一次“双随机”抽签。您要做的只有两件事：保存一份签过名的声明；给出一个由您自己决定的数。",
            "You are invited to witness a draw by lot. There are two things to do: keep a signed statement, and give one number of your own.",
        )) }
        ol.how {
            li { strong { (lang.t("保存声明。", "Keep the statement. ")) } (lang.t(
                "声明在您给数之前就把名单、规则和一个保密的数全部锁定。您手里有它，抽查单位事后就换不掉任何一项。",
                "It fixes the lists, the rules and a secret number before you give yours. Because you hold it, nothing of it can be exchanged afterwards.",
            )) }
            li { strong { (lang.t("给出一个数。", "Give a number. ")) } (lang.t(
                "当众掷骰子，或写下任何别人猜不到的数字。结果由各方的数共同决定，谁也不能单独左右。每位见证人只能给一次，给出后立即公开，不能更改。",
                "Roll dice before others, or write any number nobody can guess. All numbers together decide the result; nobody decides it alone. A witness gives one only; it is public at once and stays.",
            )) }
        }
        form.search method="post" action="/witness" {
            label for="code" { (lang.t("见证链接中的口令（# 号之后的 43 个字符）", "Code of your link (the 43 characters after the #)")) }
            @if let Some(refused) = refused { p.wrong #code-wrong { (refused.sentence(lang)) } }
            div.row {
                input #code name="code" value=(code) maxlength="200" autocomplete="off" autocapitalize="none" spellcheck="false" required
                    aria-describedby=[refused.map(|_| "code-wrong")] aria-invalid=[refused.map(|_| "true")];
                button { (lang.t("打开（只能打开一次）", "Open it (once only)")) }
            }
        }
        ul {
            li { (lang.t("链接只能打开一次，打开后请一次办完。请现在就选好语言，在能保存文件的手机或电脑上打开。", "A link opens once; finish in one go. Choose the language now, and open it where you can save a file.")) }
            li { (lang.t("打开的时间会公开显示在抽查页面上。如果提示已被打开而不是您本人打开的，说明链接被他人用过，请立即告知抽查单位重新签发。", "When it was opened is shown on the draw's public page. If it says opened and that was not you, somebody else used it: have the drawing unit issue another at once.")) }
        }
    }
}

/// The statement to keep, and the form for the number.
fn opened_page(reader: &Reader, opened: &OpenWitnessLinkResponse, units: &[Unit]) -> Markup {
    let lang = reader.lang;
    let draw = opened.draw.clone().unwrap_or_default();
    let number = words::last(&draw.name);
    let file = format!("statement-{number}.json");
    let data = format!("data:application/json;base64,{}", STANDARD.encode(kept(&draw)));
    let typed = Typed {
        permit: opened.permit.clone(),
        draw: draw.name.clone(),
        statement: draw.statement.clone(),
        ..Typed::default()
    };
    // Made here from the very text that is handed over: a fingerprint one only reads proves nothing.
    let own = hex::encode(Sha256::digest(draw.statement_json.as_bytes()));
    let fits = own == draw.statement;
    html! {
        h1 { (lang.t("抽签见证", "Witnessing a draw")) " " (number) br; span.sub { (draw.plan_title) } }
        p.notice role="status" {
            strong { (lang.t("链接已打开，不能再次打开。", "The link is open and cannot be opened again. ")) }
            (lang.t("请不要刷新或离开本页，直到提交完成。", "Do not reload or leave this page before you are done."))
        }
        section aria-labelledby="keep" {
            h2 #keep { (lang.t("第一步：保存签过名的声明", "First: keep the signed statement")) }
            p { (lang.t("声明的指纹（SHA-256）：", "Fingerprint of the statement (SHA-256): ")) code.hash { (draw.statement) } }
            @if !fits { p.wrong { (lang.t("收到的声明与它的指纹不符，请不要继续，并立即告知抽查单位。", "The statement received does not have this fingerprint. Do not go on, and tell the drawing unit at once.")) } }
            p.acts { a.call href=(data) download=(file) { (lang.t("保存声明文件 ", "Save the file ")) (file) } }
            p { (lang.t(
                "如果手机打不开上面的文件，请拍下或抄下这串指纹，并从",
                "Where the file cannot be saved, photograph or write down the fingerprint, and take the text from the ",
            )) a href={ "/v1/public/" (draw.name) "/statement" } target="_blank" rel="noopener" { (lang.t("公开地址", "public address")) } (lang.t("取得声明原文。", ".")) }
            (facts(reader, opened, &draw, units))
            details {
                summary { (lang.t("声明原文和签名", "Text and signature")) }
                pre.wrap { code { (draw.statement_json) } }
                p { (lang.t("密钥 ", "Key ")) code { (draw.kid) } (lang.t("，签名 ", ", signature ")) code.hash { (draw.statement_signature) } }
            }
            p.meta { (lang.t("揭示之后，用保存的文件核对：", "After the reveal, compare what you kept: "))
                code { "qingtian verify draws-" (number) ".tar.gz --jwks jwks.json --statement " (file) @if draw.kid.starts_with("demo-") { " --demo" } } }
        }
        (entry_form(reader, &typed, None))
    }
}

/// What a witness should know of the draw.
fn facts(reader: &Reader, opened: &OpenWitnessLinkResponse, draw: &Draw, units: &[Unit]) -> Markup {
    let lang = reader.lang;
    let at = |time: Option<&prost_types::Timestamp>| words::when(lang, time);
    let own = draw.contributors.iter().find(|one| one.contributor == opened.contributor);
    let unit = own.map(|one| one.unit.as_str()).filter(|unit| !unit.is_empty());
    html! {
        dl.hashes {
            dt { (lang.t("您在证据中记作", "You stand in the evidence as")) } dd { @if let Some(unit) = unit { (words::unit(lang, units, unit)) " " } code { (opened.contributor) } }
            dt { (lang.t("抽查单位", "Drawing unit")) } dd { (words::unit(lang, units, &draw.organisation)) }
            dt { (lang.t("入池", "In the pool")) } dd { (words::count(draw.subjects)) (lang.t(" 户", "")) }
            dt { (lang.t("截止提交", "Entries close")) } dd { (at(draw.entries_close.as_ref())) }
            @if draw.beacon_time.is_some() { dt { (lang.t("公共随机数", "Beacon")) } dd { (at(draw.beacon_time.as_ref())) } }
            dt { (lang.t("最迟揭示", "Revealed by")) } dd { (at(draw.reveal_by.as_ref())) }
        }
    }
}

/// The form for the number; with what was typed and why it was refused.
fn entry_form(reader: &Reader, typed: &Typed, refused: Option<&str>) -> Markup {
    let lang = reader.lang;
    html! {
        section aria-labelledby="give" {
            h2 #give { (lang.t("第二步：给出您的数", "Then: give your number")) }
            form.search #witness-entry method="post" action="/witness/entry" {
                input type="hidden" name="permit" value=(typed.permit);
                input type="hidden" name="draw" value=(typed.draw);
                input type="hidden" name="statement" value=(typed.statement);
                label for="value" { (lang.t("骰子点数（如 3 1 6 2 5 5），或任何别人猜不到的数", "Dice, such as 3 1 6 2 5 5, or any number nobody can guess")) }
                p.quiet #value-hint { (lang.t("1 至 200 个半角字母、数字、空格或 . , : -", "1 to 200 letters, digits, spaces or . , : -")) }
                @if let Some(refused) = refused { p.wrong #value-wrong { (refused) } }
                div.row {
                    input #value name="value" value=(typed.value) maxlength=(VALUE_CHARS_MAX) pattern="[0-9A-Za-z .,:\\-]{1,200}" autocomplete="off" spellcheck="false" required
                        aria-describedby=(if refused.is_some() { "value-hint value-wrong" } else { "value-hint" }) aria-invalid=[refused.map(|_| "true")];
                }
                p { label { input type="checkbox" name="saved" value="1" required checked[typed.saved]; " " (lang.t("我已保存声明文件，或记下了它的指纹", "I have saved the statement, or noted its fingerprint")) } }
                p.row { button { (lang.t("提交（公开且不可更改）", "Give it (public and final)")) } }
            }
        }
    }
}

/// The form once more.
fn again(reader: &Reader, typed: &Typed, refused: Option<&Refused>) -> Markup {
    let lang = reader.lang;
    let unsaved = lang.t("请先保存声明，并勾选下面一项。", "Keep the statement first, and tick the box below.");
    html! {
        h1 { (lang.t("抽签见证", "Witnessing a draw")) " " (words::last(&typed.draw)) }
        p.notice { (lang.t("还没有提交。请不要离开本页，改正后再提交。", "Nothing was given yet. Do not leave this page; correct it and send it again.")) }
        p { (lang.t("您收到的声明的指纹：", "Fingerprint of your statement: ")) code.hash { (typed.statement) } }
        (entry_form(reader, typed, Some(refused.map_or(unsaved, |refused| refused.sentence(lang)))))
    }
}

/// What a witness takes home.
fn receipt_page(reader: &Reader, receipt: &AddWitnessEntryResponse, statement: &str) -> Markup {
    let lang = reader.lang;
    let number = words::last(&receipt.draw);
    html! {
        h1 { (lang.t("见证回执", "Receipt")) " " (number) }
        p.notice role="status" { strong { (lang.t("您的数已提交并公开。", "Your number is given and public. ")) } (lang.t("请打印或截图保存本页。", "Print this page or keep a picture of it.")) }
        div.answer {
            dl.hashes {
                dt { (lang.t("您的一行", "Your line")) } dd { code.hash { (receipt.line.replace('\t', " ⇥ ")) } }
                dt { (lang.t("提交时间", "Given")) } dd { (words::when(lang, receipt.create_time.as_ref())) }
                dt { (lang.t("声明的指纹", "Fingerprint of the statement")) } dd { code.hash { (statement) } }
            }
        }
        p { (lang.t(
            "揭示之后，这一行必须原样出现在证据包 draw.json 的 entries 里，声明的指纹必须与您保存的相同。有一处不同，就说明有人动了手脚。",
            "After the reveal this line must stand, as it is, among the entries of draw.json in the evidence, and the fingerprint must be that of the statement you kept. If either differs, somebody has meddled.",
        )) }
        p.acts { a.call href={ "/" (receipt.draw) } { (lang.t("查看这次抽查", "See the draw")) } }
    }
}

/// The file to keep: the statement's very text with its signature, as `qingtian verify --statement` reads it.
fn kept(draw: &Draw) -> String {
    let kept = serde_json::json!({
        "draw": draw.name, "kid": draw.kid, "signature": draw.statement_signature, "statement": draw.statement,
        "statement_json": draw.statement_json,
    });
    format!("{kept:#}\n")
}
