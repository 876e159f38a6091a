//! What all operations share: the introduction, the ways to say who asks, headers.

use serde_json::{Value, json};

use crate::sign_in::{COOKIE_NAME, CSRF_HEADER};

const INTRODUCTION: &str = "\
青天：开封市“互联网+监管”平台的网络接口，依据《开封市“互联网+监管”系统运行管理办法（试行）》（汴政办〔2022〕14号）。\
本文由合约（proto 文件）自动生成，与实际提供的服务一致；供人阅读的版本在 `/openapi`。

The web API of the supervision platform of Kaifeng, under the Measures of 2022 (No. 14). It is generated from the contract, so it \
says what is served; for people it is at `/openapi`. The same rpcs are served over gRPC to departments' programs.

**JSON.** proto3 JSON: members in lowerCamelCase, 64-bit numbers as text, bytes in base64, times in RFC 3339 (UTC), enums by \
name. Answers hold every member but messages and choices that are not set. Requests are read strictly (no unknown member, none \
twice, UTF-8, at most 32 levels), save that numbers may come in quotes, enums by number, names of members as in the proto \
files, and `null` is a member that is not set.

**Refusals** are a `google.rpc.Status`: `message` is Chinese, a `google.rpc.LocalizedMessage` among the details is English, and \
the `google.rpc.ErrorInfo` has the stable `reason` and in its metadata the `article` it rests on. Nothing is half-done after one. \
An operation lists the reasons it is known for; whatever a service shares with others is listed by status.

**Paths.** A verb follows a colon: `POST /v1/plans/2026-07:publish`. What stands in a path or body is refused in the query.

**Conditional requests.** Public reads carry an `ETag` and are answered 304 to `If-None-Match`. HEAD is answered wherever GET is. \
Answers of 1 KiB and more are compressed with gzip where the client takes it.

**Limits** by client and address; beyond them 429 or 503 with `Retry-After`. A JSON body holds 4 MiB at most, an upload 256 MiB, \
a request's head 32 KiB and 64 headers.

**Streams of messages** come as `application/x-ndjson`, one `{\"result\": …}` a line with `{\"end\": …}` or `{\"error\": …}` as the \
last, or as `text/event-stream` where `Accept` says so. Files are streamed, and resumed by `Range` where they have a tag.

**Request ids.** `X-Request-Id` of a request comes back with its answer, else one is made; name it when you report a failure.";

pub fn info() -> Value {
    json!({
        "title": "青天 Qingtian",
        "summary": "开封市“互联网+监管”平台接口 / Web API of the supervision platform of Kaifeng",
        "description": INTRODUCTION,
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
    })
}

pub fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A machine client's token of five minutes, issued by `POST /v1/token:issue` for its name and secret (art. 22).",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": COOKIE_NAME,
            "description": "The work portal's session, set by `POST /v1/session:signIn` (HttpOnly, SameSite=Strict); over after eight hours without a request.",
        },
        "csrf": {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER.as_str(),
            "description": "`csrfToken` of the session, with every request by cookie that is no GET or HEAD.",
        },
    })
}

pub fn parameters() -> Value {
    let header = |name: &str, text: &str, required: bool, schema: Value| json!({"name": name, "in": "header", "required": required, "description": text, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "RequestId": header(
            "X-Request-Id",
            "Under which request and answer are found again: 1 to 128 letters, digits and `-_.:`; else a new one is made.",
            false,
            text(),
        ),
        "Purpose": header(
            "X-Purpose",
            "Why personal data is read (art. 44): UTF-8, percent-encoded where it is not ASCII. Kept in the audit.",
            true,
            json!({"type": "string", "minLength": 1, "pattern": "^[ -~]+$", "examples": ["%E6%A0%B8%E5%AF%B9%E5%90%8D%E5%BD%95"]}),
        ),
        "IfNoneMatch": header("If-None-Match", "Tags of versions the client has.", false, text()),
        "Range": header("Range", "One range of bytes, such as `bytes=1048576-`; what is not understood is answered with the whole.", false, text()),
        "IfRange": header("If-Range", "Tag of the version `Range` is about; of another one the whole is sent.", false, text()),
        "LastEventId": header("Last-Event-ID", "Id of the last event received; counts more than the query.", false, text()),
    })
}

pub fn headers() -> Value {
    let header = |text: &str, schema: Value| json!({"description": text, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "X-Request-Id": header("The request's id, the client's own or a new one.", text()),
        "X-Trace-Id": header("Under which operators find what was done, where traces are kept.", text()),
        "Cache-Control": header("How long the answer may be kept; `no-store` for what is for one caller.", text()),
        "ETag": header("Tag of this version.", text()),
        "Vary": header("Headers the answer depends on.", text()),
        "Allow": header("Methods this address has.", text()),
        "Accept-Ranges": header("`bytes` where ranges of the file can be asked for.", text()),
        "Content-Disposition": header("Name of the file.", text()),
        "Content-Range": header("Which bytes of how many.", text()),
        "Set-Cookie": header("The session's cookie, or its end.", text()),
        "Retry-After": header("Seconds after which to try again.", json!({"type": "integer", "minimum": 0})),
    })
}
