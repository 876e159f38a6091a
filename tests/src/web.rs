//! A person at a browser, or a program: JSON over HTTP to the gateway.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};

use crate::HANG;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON of a success.
    pub fn ok(self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text());
        self.json()
    }

    /// Reason and article of a refusal.
    pub fn refused(&self) -> (String, String) {
        assert!(!self.status.is_success(), "accepted: {}", self.text());
        let status = self.json();
        let info = status["details"]
            .as_array()
            .and_then(|details| details.iter().find(|d| d["@type"] == "type.googleapis.com/google.rpc.ErrorInfo"))
            .unwrap_or_else(|| panic!("a refusal without ErrorInfo: {status}"))
            .clone();
        assert!(status["message"].as_str().is_some_and(|m| !m.is_empty()), "{status}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&info["reason"]), text(&info["metadata"]["article"]))
    }

    /// Expects a refusal for this reason, by this article; empty for a technical one.
    pub fn refused_for(&self, reason: &str, article: &str) {
        assert_eq!(self.refused(), (reason.to_owned(), article.to_owned()), "{}", self.text());
    }
}

/// One caller with a session, a token, or neither.
#[derive(Clone)]
pub struct Web {
    client: Client<HttpConnector, Full<Bytes>>,
    base: String,
    cookie: Option<String>,
    csrf: Option<String>,
    bearer: Option<String>,
    purpose: Option<String>,
}

impl Web {
    /// Somebody who has not signed in.
    pub fn anonymous(base: &str) -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_idle_timeout(Duration::from_secs(5)).build_http();
        Self {
            client,
            base: base.trim_end_matches('/').to_owned(),
            cookie: None,
            csrf: None,
            bearer: None,
            purpose: None,
        }
    }

    /// Somebody who signs in with a password.
    pub async fn sign_in(base: &str, username: &str, password: &str) -> Self {
        let web = Self::anonymous(base);
        let answer = web.post("/v1/session:signIn", json!({"username": username, "password": password})).await;
        assert_eq!(answer.status, StatusCode::OK, "{username}: {}", answer.text());
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let csrf = answer.json()["csrfToken"].as_str().unwrap().to_owned();
        Self { cookie: Some(cookie), csrf: Some(csrf), ..web }
    }

    /// A program with a machine client's token.
    pub fn with_token(base: &str, token: &str) -> Self {
        Self { bearer: Some(token.to_owned()), ..Self::anonymous(base) }
    }

    /// The same caller, who states a purpose (art. 44).
    pub fn for_purpose(&self, purpose: &str) -> Self {
        Self { purpose: Some(purpose.to_owned()), ..self.clone() }
    }

    /// The same caller without the page's token.
    pub fn without_csrf(&self) -> Self {
        Self { csrf: None, ..self.clone() }
    }

    /// Address of the site.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The session cookie as `name=value`.
    pub fn cookie(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// The page's token.
    pub fn csrf(&self) -> Option<&str> {
        self.csrf.as_deref()
    }

    /// Sends anything.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn send(&self, method: Method, path: &str, kind: &str, body: Bytes) -> anyhow::Result<Answer> {
        let kind = (!kind.is_empty()).then_some(("content-type", kind));
        self.send_with(method, path, kind.as_slice(), body).await
    }

    /// Sends anything, with headers besides the caller's own.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if let Some(csrf) = &self.csrf {
            request = request.header("x-csrf-token", csrf);
        }
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        if let Some(purpose) = &self.purpose {
            request = request.header("x-purpose", purpose);
        }
        let response = self.client.request(request.body(Full::new(body))?).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }

    /// Reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "", Bytes::new()).await.unwrap_or_else(|e| panic!("GET {path}: {e:#}"))
    }

    /// Acts.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.try_post(path, body).await.unwrap_or_else(|e| panic!("POST {path}: {e:#}"))
    }

    /// Changes a record.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        let sent = self.send(Method::PATCH, path, "application/json", Bytes::from(body.to_string())).await;
        sent.unwrap_or_else(|e| panic!("PATCH {path}: {e:#}"))
    }

    /// Acts, where the fleet may be dying.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn try_post(&self, path: &str, body: Value) -> anyhow::Result<Answer> {
        self.send(Method::POST, path, "application/json", Bytes::from(body.to_string())).await
    }

    /// Uploads a file. `query` is already encoded.
    pub async fn upload(&self, path: &str, file: Vec<u8>) -> Answer {
        self.send(Method::POST, path, "text/csv", file.into()).await.unwrap_or_else(|e| panic!("POST {path}: {e:#}"))
    }

    /// Asks until the answer satisfies, in the way a page does while it waits.
    pub async fn until(&self, path: &str, what: &str, satisfied: impl Fn(&Value) -> bool) -> Value {
        self.until_within(HANG, path, what, satisfied).await
    }

    /// As [`Web::until`], for what comes later by itself.
    pub async fn until_within(
        &self,
        patience: Duration,
        path: &str,
        what: &str,
        satisfied: impl Fn(&Value) -> bool,
    ) -> Value {
        let asking = async {
            let mut pause = tokio::time::interval(Duration::from_millis(100));
            loop {
                pause.tick().await;
                let answer = self.get(path).await;
                if answer.status.is_success() {
                    let value = answer.json();
                    if satisfied(&value) {
                        return value;
                    }
                }
            }
        };
        match tokio::time::timeout(patience, asking).await {
            Ok(value) => value,
            Err(_) => panic!("waited in vain for {what}: {}", self.get(path).await.text()),
        }
    }
}

/// Encodes one value for a query.
pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
