//! The web API for people (art. 22, 33), at `/openapi`: what `/openapi.json` tells programs. Whoever mounts the pages hands the
//! content in; here it is only shown.

mod names;

use axum::response::Response;
use maud::{Markup, html};

use crate::{frame, frame::Head, reader::Lang, reader::Reader};

/// Operations by service.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Version of the program.
    pub version: String,
    pub chapters: Vec<Chapter>,
    /// Refusals every operation may answer, by HTTP status.
    pub common: Vec<(u16, Vec<Refused>)>,
}

/// One service.
#[derive(Debug, Clone, Default)]
pub struct Chapter {
    /// `draws.v1.Plans`.
    pub name: String,
    pub text: String,
    pub entries: Vec<Entry>,
}

/// One operation.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Its `operationId`, and its place on the page.
    pub id: String,
    /// Name of the rpc, `CreatePlan`.
    pub rpc: String,
    pub method: String,
    pub path: String,
    pub text: String,
    pub public: bool,
    pub signed_in: bool,
    /// `ROLE_HANDLER`.
    pub roles: Vec<String>,
    /// A purpose is needed, and the reading is audited.
    pub personal_data: bool,
    pub parameters: Vec<Field>,
    pub body: Vec<Field>,
    /// Message answered, or the type of the file.
    pub answer: String,
    pub fields: Vec<Field>,
    /// Refusals of its own, by HTTP status.
    pub refused: Vec<(u16, Vec<Refused>)>,
    pub articles: Vec<String>,
    /// A command that asks it.
    pub curl: String,
}

/// A value that is sent or answered.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// `quotas[].ppm`.
    pub name: String,
    /// `path`, `query`, `header`; empty in bodies.
    pub place: String,
    /// `string (date)`.
    pub kind: String,
    pub required: bool,
    pub text: String,
}

/// A reason of refusal.
#[derive(Debug, Clone, Default)]
pub struct Refused {
    pub reason: String,
    pub article: String,
    pub zh: String,
    pub en: String,
}

/// `/openapi`.
pub async fn page(reader: Reader) -> Response {
    let lang = reader.lang;
    let reference = &reader.site.reference;
    let title = lang.t("网络接口", "Web API");
    let body = html! {
        h1 { (title) " " span.sub { (reference.version) } }
        p.lead { (lang.t(
            "公众看到的，都可以用程序读取；部门系统也由此对接。本页由接口合约自动生成，与实际提供的服务一致。",
            "Whatever the public sees, programs can read; departments connect their systems here too. This page is made from the contract, so it says what is served.",
        )) }
        ul {
            li { a href="/openapi.json" { "/openapi.json" } (lang.t("：供程序使用的 OpenAPI 3.1 文件。", ": the same for programs, OpenAPI 3.1.")) }
            li { (lang.t("标“公开”的无需登录。其余须用网页会话，或系统对接令牌：", "Those marked public need no sign-in. Others take the session of the work portal, or a machine client's token: ")) code { "authorization: Bearer …" } (lang.t("，由 ", ", issued by ")) a href="#identity_Identity_IssueToken" { code { "POST /v1/token:issue" } } (lang.t(" 签发。", ".")) }
            li { (lang.t("部门程序也可用 gRPC；合约（proto 文件）、客户端和对接说明 INTEGRATORS.md 随合约包提供。", "Departments' programs may speak gRPC too; the contract (proto files), clients and INTEGRATORS.md come in the contract archive.")) }
            li { (lang.t("接口说明取自合约，为英文；拒绝理由有中英文。", "Texts come from the contract; reasons of refusal are in Chinese and English.")) }
        }
        h2 #common { (lang.t("各接口通用的应答", "What every operation may answer")) }
        p { (lang.t("拒绝时返回 ", "A refusal is a ")) code { "google.rpc.Status" } (lang.t("：message 为中文，details 中有英文、稳定的 reason 和所依据的条文。429、503 带 Retry-After。", ": its message is Chinese; among the details are the English one, a stable reason and the article. 429 and 503 carry Retry-After.")) }
        (refusals(lang, &reference.common))
        h2 #contents { (lang.t("目录", "Contents")) }
        @for chapter in &reference.chapters {
            details.folded {
                summary { (chapter_title(lang, chapter)) " (" (chapter.entries.len()) ")" }
                ul { @for entry in &chapter.entries {
                    li { a href={ "#" (entry.id) } { code { (entry.method) " " (entry.path) } } " " (names::act(lang, &entry.rpc)) }
                } }
            }
        }
        @for chapter in &reference.chapters {
            section.api {
                h2 id=(chapter.name) { (chapter_title(lang, chapter)) " " span.sub { code { (chapter.name) } } }
                p.quiet lang="en" { (text(&chapter.text)) }
                @for entry in &chapter.entries { (one(lang, entry)) }
            }
        }
    };
    frame::page(&reader, Head { title, ..Head::default() }, body)
}

fn chapter_title(lang: Lang, chapter: &Chapter) -> String {
    names::chapter(lang, &chapter.name).to_owned()
}

fn one(lang: Lang, entry: &Entry) -> Markup {
    html! {
        article id=(entry.id) {
            h3 { a href={ "#" (entry.id) } { (names::act(lang, &entry.rpc)) } }
            p { code.address { strong { (entry.method) } " " (entry.path) } }
            p lang="en" { (text(&entry.text)) }
            p.meta {
                @if entry.public { span.tag.done { (lang.t("公开", "Public")) } }
                @else if entry.signed_in { span.tag.open { (lang.t("登录用户", "Signed in")) } }
                @else {
                    (lang.t("岗位：", "Roles: "))
                    @for (at, role) in entry.roles.iter().enumerate() {
                        @if at > 0 { (lang.t("、", ", ")) }
                        (names::role(lang, role))
                    }
                }
                @if entry.personal_data { " · " (lang.t("含个人信息，须说明用途（x-purpose），留痕", "personal data: a purpose (x-purpose), audited")) }
                @if !entry.articles.is_empty() {
                    " · " (lang.t("依据：", "Under: "))
                    @for article in &entry.articles {
                        a href={ "/law#article-" (article.split('-').next().unwrap_or_default()) } {
                            @if lang.is_zh() { "第" (article) "条" } @else { "art. " (article) }
                        } " "
                    }
                }
            }
            (fields(lang, lang.t("参数", "Parameters"), &entry.parameters))
            (fields(lang, lang.t("请求内容", "Body"), &entry.body))
            p { (lang.t("成功：", "Answer: ")) "200 " code { (entry.answer) } }
            @if !entry.fields.is_empty() {
                details.folded { summary { (lang.t("应答内容", "Members of the answer")) } (fields(lang, "", &entry.fields)) }
            }
            @if !entry.refused.is_empty() {
                p { (lang.t("拒绝（另见", "Refusals (besides ")) a href="#common" { (lang.t("通用应答", "those of all")) } (lang.t("）：", "):")) }
                (refusals(lang, &entry.refused))
            }
            pre { code { (entry.curl) } }
        }
    }
}

fn fields(lang: Lang, title: &str, fields: &[Field]) -> Markup {
    html! {
        @if !fields.is_empty() {
            table.rows {
                @if !title.is_empty() { caption { (title) } }
                thead { tr { th scope="col" { (lang.t("名称", "Name")) } th scope="col" { (lang.t("类型", "Type")) } th scope="col" { (lang.t("含义", "Meaning")) } } }
                tbody { @for field in fields {
                    tr {
                        th scope="row" {
                            code { (field.name) }
                            @if field.required { " " span.need { (lang.t("必填", "required")) } }
                        }
                        td { (field.kind) @if !field.place.is_empty() { " · " (field.place) } }
                        td lang="en" { (text(&field.text)) }
                    }
                } }
            }
        }
    }
}

fn refusals(lang: Lang, refused: &[(u16, Vec<Refused>)]) -> Markup {
    html! {
        ul.reasons { @for (status, reasons) in refused { @for refused in reasons {
            li {
                strong { (status) } " " code { (refused.reason) } " "
                @if !refused.article.is_empty() {
                    a href={ "/law#article-" (refused.article) } {
                        @if lang.is_zh() { "第" (refused.article) "条" } @else { "art. " (refused.article) }
                    } " "
                }
                (lang.t(&refused.zh, &refused.en))
                @if lang.is_zh() { br; span.quiet lang="en" { (refused.en) } }
                @else { br; span.quiet lang="zh-CN" { (refused.zh) } }
            }
        } } }
    }
}

/// A comment with what stands in backquotes as code.
fn text(comment: &str) -> Markup {
    html! {
        @for (at, part) in comment.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
