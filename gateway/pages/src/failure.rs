//! When there is no page: what happened, and what to do next.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use maud::html;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{frame, frame::Head, reader::Lang, reader::Reader};

/// The portal's refusal, in both languages.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Its gRPC code.
    pub code: Code,
    /// Stable reason such as `NOT_PUBLIC_YET`; empty when the portal could not be asked.
    pub reason: String,
    zh: String,
    en: String,
}

impl Refused {
    /// From what a call answered.
    pub fn of(status: &Status) -> Self {
        let details = status.get_error_details();
        let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
        let en = details.localized_message().map(|text| text.message.clone()).unwrap_or_default();
        if reason.is_empty() {
            // Not one of our refusals: the portal could not be reached, or did not answer in time.
            tracing::warn!(code = %status.code(), error = status.message(), "the portal did not answer");
        }
        Self { code: status.code(), reason, zh: status.message().to_owned(), en }
    }

    /// The sentence, when the contract has one for it.
    pub fn sentence(&self, lang: Lang) -> &str {
        if self.reason.is_empty() {
            return lang.t(
                "公开数据服务暂时没有回应，请稍后刷新本页。",
                "The public data service does not answer now. Reload this page shortly.",
            );
        }
        lang.t(&self.zh, &self.en)
    }

    /// A page that says it.
    pub fn page(self, reader: &Reader) -> Failure {
        Failure { reader: reader.clone(), refused: Some(self) }
    }
}

/// A page instead of the one asked for.
pub struct Failure {
    reader: Reader,
    refused: Option<Refused>,
}

impl Failure {
    /// There is no such page.
    pub fn not_found(reader: &Reader) -> Self {
        Self { reader: reader.clone(), refused: None }
    }
}

/// An address that leads nowhere.
pub async fn no_page(reader: Reader) -> Response {
    Failure::not_found(&reader).into_response()
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { reader, refused } = self;
        let lang = reader.lang;
        let status = match refused.as_ref().map(|refused| refused.code) {
            None | Some(Code::NotFound) => StatusCode::NOT_FOUND,
            Some(Code::InvalidArgument | Code::OutOfRange) => StatusCode::BAD_REQUEST,
            Some(Code::FailedPrecondition | Code::Aborted | Code::AlreadyExists) => StatusCode::CONFLICT,
            Some(Code::PermissionDenied | Code::Unauthenticated) => StatusCode::FORBIDDEN,
            Some(
                Code::Ok | Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss | Code::Unimplemented,
            ) => StatusCode::BAD_GATEWAY,
            Some(Code::DeadlineExceeded | Code::Unavailable | Code::ResourceExhausted) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        };
        let title = match status {
            StatusCode::NOT_FOUND => lang.t("没有这个页面", "There is no such page"),
            StatusCode::BAD_REQUEST => {
                lang.t("这个地址里有看不懂的内容", "This address holds something we cannot read")
            }
            StatusCode::CONFLICT | StatusCode::FORBIDDEN => lang.t("现在不能查看", "This cannot be shown now"),
            _ => lang.t("暂时无法显示", "This page is not available now"),
        };
        let missing = status == StatusCode::NOT_FOUND;
        let body = html! {
            h1 { (title) }
            @if missing {
                p { (lang.t("地址可能抄错了，或者这项内容没有公开。", "The address may be mistyped, or the matter is not public.")) }
            } @else if let Some(refused) = &refused {
                p.notice { (refused.sentence(lang)) }
            }
            h2 { (lang.t("可以这样做", "What you can do")) }
            ul {
                @if status.is_server_error() {
                    li { (lang.t("过一两分钟再刷新本页；已公布的内容不会丢失。", "Reload this page in a minute or two; nothing published is lost.")) }
                }
                @if status == StatusCode::BAD_REQUEST { li { a href=(reader.path()) { (lang.t("回到这个列表的第一页", "Go back to the first page of this list")) } } }
                li { (lang.t("用下面的搜索框找计划、抽查或事项；", "Search for a plan, a draw or an item below;")) }
                li { a href="/" { (lang.t("回到首页", "Go to the home page")) } }
            }
            (frame::search(lang, ""))
        };
        frame::page(&reader, Head { title, status, ..Head::default() }, body)
    }
}
