//! Signing on at a provider outside (art. 27), which is a real one: `tests/sign-on`. The provider says who somebody is; whoever has no
//! account here gets none, and whatever is not exactly as it was asked for opens nothing.

use std::{collections::BTreeMap, process::Stdio};

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    root,
    web::{Answer, Web},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use url::Url;

/// Redirections of a provider at the most.
const HOPS_MAX: usize = 10;
const SECRET: &str = "a secret of the test, long enough";

/// The provider's process. Dropped, it is killed.
struct Provider {
    _child: Child,
    // What it writes later must find somebody: it would end on a closed pipe.
    _lines: Lines<BufReader<ChildStdout>>,
    issuer: String,
}

impl Provider {
    async fn start(city: &City) -> Self {
        let folder = root().join("tests/sign-on");
        assert!(folder.join("node_modules").exists(), "run `npm ci` in {}, or `make test`", folder.display());
        let mut command = Command::new("node");
        command.arg("provider.mjs").arg(format!("{}/work/sign-on", city.url)).arg(SECRET).current_dir(folder);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = lines.next_line().await.unwrap().expect("the provider says where it is");
        Self { _child: child, _lines: lines, issuer }
    }

    /// Who is signed on next, what is said of that person besides, and how the provider lies.
    async fn next(&self, account: &str, claims: Value, lie: &str) {
        let body = json!({"account": account, "claims": claims, "lie": lie});
        Web::anonymous(&self.issuer).post("/test", body).await.ok();
    }
}

/// A browser: cookies of the site and of the provider.
struct Browser {
    site: Web,
    ours: BTreeMap<String, String>,
}

fn keep(jar: &mut BTreeMap<String, String>, headers: &HeaderMap) {
    for cookie in headers.get_all("set-cookie") {
        let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
        jar.insert(name.to_owned(), value.to_owned());
    }
}

fn header(jar: &BTreeMap<String, String>) -> String {
    jar.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

impl Browser {
    fn new(city: &City) -> Self {
        Self { site: city.anonymous(), ours: BTreeMap::new() }
    }

    async fn post(&mut self, path: &str, body: Value) -> Answer {
        let cookies = header(&self.ours);
        let headers = [("content-type", "application/json"), ("cookie", cookies.as_str())];
        let sent = self.site.send_with(Method::POST, path, &headers, Bytes::from(body.to_string())).await.unwrap();
        keep(&mut self.ours, &sent.headers);
        sent
    }

    async fn begin(&mut self) -> Url {
        let begun = self.post("/v1/session:beginSignOn", json!({})).await;
        let cookie = begun.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        begun.ok()["authorizationUrl"].as_str().unwrap().parse().unwrap()
    }

    /// Goes where the provider sends it, until that is the site again; answers code and state.
    async fn at_provider(&self, begun: Url) -> Value {
        let (mut jar, mut url) = (BTreeMap::new(), begun);
        for _ in 0..HOPS_MAX {
            let base = url.origin().ascii_serialization();
            let path = &url.as_str()[base.len()..];
            let cookies = header(&jar);
            let answer = Web::anonymous(&base);
            let answer = answer.send_with(Method::GET, path, &[("cookie", &cookies)], Bytes::new()).await.unwrap();
            keep(&mut jar, &answer.headers);
            let Some(to) = answer.headers.get("location") else { panic!("{} {}", answer.status, answer.text()) };
            url = url.join(to.to_str().unwrap()).unwrap();
            if url.path() == "/work/sign-on" {
                assert_eq!(url.origin().ascii_serialization(), self.site.base(), "back to the site alone");
                let given: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
                return json!({"code": given["code"], "state": given["state"]});
            }
        }
        panic!("sent to and fro");
    }

    async fn sign_on(&mut self) -> Answer {
        let begun = self.begin().await;
        let given = self.at_provider(begun).await;
        self.post("/v1/session:finishSignOn", given).await
    }
}

async fn link(admin: &Web, user: &str, subject: &str) -> Answer {
    admin.post(&format!("/v1/{user}/signOnLinks"), json!({"subject": subject})).await
}

/// A demonstration city with a provider, its platform operator, and a person who has an account.
async fn city_with_provider(claim: &str) -> (City, Provider, Web, Value) {
    let mut city = City::start(Layout::One).await;
    let provider = Provider::start(&city).await;
    city.stop().await;
    let secret = city.folder.path().join("oidc-secret");
    std::fs::write(&secret, SECRET).unwrap();
    let additions = [
        ("OIDC_ISSUER", provider.issuer.clone()),
        ("OIDC_CLIENT_SECRET_FILE", secret.display().to_string()),
        ("OIDC_CLAIM", claim.to_owned()),
        ("OIDC_TITLE", "河南省统一身份认证".to_owned()),
    ];
    city.serve(&additions.map(|(name, value)| (name.to_owned(), value))).await;
    let operator = city.as_person("operator").await;
    let organisation = json!({
        "title": "认证局", "kind": "ORGANISATION_KIND_DEPARTMENT", "district": "410200", "responsible": "局长", "enforcing": true,
    });
    operator.post("/v1/organisations?organisationId=signon", organisation).await.ok();
    let user = json!({
        "username": "zhangsan", "realName": "张三", "organisation": "organisations/signon", "roles": ["ROLE_OFFICER"],
        "certificate": {"number": "YB1234", "expireDate": "2031-12-31", "districts": ["410202"]},
    });
    let made = operator.post("/v1/users", json!({"user": user, "verification": "核验居民身份证原件"})).await.ok();
    (city, provider, operator, made["user"].clone())
}

async fn users(admin: &Web) -> i64 {
    admin.get("/v1/users?pageSize=1").await.ok()["totalSize"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn somebody_linked_signs_on_and_nobody_else() {
    let (mut city, provider, operator, user) = city_with_provider("").await;
    let name = user["name"].as_str().unwrap();
    let shown = city.anonymous().get("/v1/session").await.ok();
    assert_eq!(shown["signOnTitle"], "河南省统一身份认证");
    let before = users(&operator).await;

    // No account is made; what the person is told names the account to be linked.
    provider.next("province-7", json!({"certificate": "YB1234"}), "").await;
    let stranger = Browser::new(&city).sign_on().await;
    stranger.refused_for("SIGN_ON_NOT_LINKED", "27");
    assert!(stranger.text().contains("province-7"), "{}", stranger.text());
    assert!(stranger.headers.get("set-cookie").is_none());
    assert_eq!(users(&operator).await, before);

    // An administrator links it, once.
    let made = link(&operator, name, "province-7").await.ok();
    assert_eq!((&made["issuer"], &made["subject"]), (&json!(provider.issuer), &json!("province-7")));
    let other = operator.get("/v1/users?query=operator").await.ok()["users"][0]["name"].as_str().unwrap().to_owned();
    link(&operator, &other, "province-7").await.refused_for("SIGN_ON_LINKED", "27");
    link(&operator, name, " ").await.refused_for("INVALID", "");
    let mut browser = Browser::new(&city);
    let session = browser.sign_on().await.ok();
    assert_eq!(
        (&session["user"]["username"], &session["organisation"]["name"]),
        (&json!("zhangsan"), &json!("organisations/signon"))
    );
    // A session like any other.
    let cookies = header(&browser.ours);
    let me = browser.site.send_with(Method::GET, "/v1/me", &[("cookie", &cookies)], Bytes::new()).await.unwrap();
    assert_eq!(me.ok()["realName"], "张三");

    // Of this browser, once, within its time, with the code that belongs to it.
    let begun = browser.begin().await;
    assert_eq!(begun.query_pairs().find(|(name, _)| name == "code_challenge_method").unwrap().1, "S256");
    let given = browser.at_provider(begun).await;
    Browser::new(&city).post("/v1/session:finishSignOn", given.clone()).await.refused_for("SIGN_ON_OVER", "27");
    let mut another = Browser::new(&city);
    let others = another.begin().await;
    another.post("/v1/session:finishSignOn", given.clone()).await.refused_for("SIGN_ON_OVER", "27");
    let others = another.at_provider(others).await;
    let mixed = json!({"state": others["state"], "code": given["code"]});
    another.post("/v1/session:finishSignOn", mixed).await.refused_for("SIGN_ON_NOT_BELIEVED", "27");
    another.post("/v1/session:finishSignOn", others).await.refused_for("SIGN_ON_OVER", "27");
    browser.post("/v1/session:finishSignOn", given.clone()).await.ok();
    browser.post("/v1/session:finishSignOn", given).await.refused_for("SIGN_ON_OVER", "27");

    // A provider that says something else than it was asked for is not believed.
    for lie in ["audience", "second", "issuer", "nonce", "expired", "key", "none"] {
        provider.next("province-7", json!({}), lie).await;
        let answer = Browser::new(&city).sign_on().await;
        assert_eq!(answer.refused(), ("SIGN_ON_NOT_BELIEVED".to_owned(), "27".to_owned()), "{lie}");
    }

    // Without the link there is no way in, and whoever came in by it is out.
    provider.next("province-7", json!({}), "").await;
    let links = operator.get(&format!("/v1/{name}/signOnLinks")).await.ok();
    assert_eq!(links["links"].as_array().unwrap().len(), 1);
    let path = format!("/v1/{}", links["links"][0]["name"].as_str().unwrap());
    let taken = operator.send(Method::DELETE, &path, "", Bytes::new()).await.unwrap();
    assert!(taken.status.is_success(), "{}", taken.text());
    let again = operator.send(Method::DELETE, &path, "", Bytes::new()).await.unwrap();
    again.refused_for("NOT_FOUND", "27");
    Browser::new(&city).sign_on().await.refused_for("SIGN_ON_NOT_LINKED", "27");
    let cookies = header(&browser.ours);
    kit::testing::until("the session is over", async || {
        let me = browser.site.send_with(Method::GET, "/v1/me", &[("cookie", &cookies)], Bytes::new()).await.unwrap();
        me.status == http::StatusCode::UNAUTHORIZED
    })
    .await;

    // A frozen person is none who may come in; a provider that is gone is said to be.
    link(&operator, name, "province-7").await.ok();
    let etag = operator.get("/v1/users?query=zhangsan").await.ok()["users"][0]["etag"].clone();
    operator.post(&format!("/v1/{name}:freeze"), json!({"etag": etag, "reason": "离岗"})).await.ok();
    Browser::new(&city).sign_on().await.refused_for("USER_FROZEN", "27");
    drop(provider);
    kit::testing::until("the provider is gone", async || {
        let answer = Browser::new(&city).post("/v1/session:beginSignOn", json!({})).await;
        !answer.status.is_success() && answer.refused() == ("SIGN_ON_UNREACHABLE".to_owned(), "27".to_owned())
    })
    .await;
    city.stop().await;
}

#[tokio::test]
async fn a_verified_claim_links_who_has_an_account_and_makes_none() {
    let (mut city, provider, operator, user) = city_with_provider("certificate").await;
    let before = users(&operator).await;
    provider.next("province-8", json!({"certificate": "YB9999"}), "").await;
    Browser::new(&city).sign_on().await.refused_for("SIGN_ON_NOT_LINKED", "27");
    assert_eq!(users(&operator).await, before);
    provider.next("province-9", json!({"certificate": "YB1234"}), "").await;
    let session = Browser::new(&city).sign_on().await.ok();
    assert_eq!(session["user"]["name"], user["name"]);
    let links = operator.get(&format!("/v1/{}/signOnLinks", user["name"].as_str().unwrap())).await.ok();
    assert_eq!(links["links"][0]["createdBy"], "services/identity");
    // From now on the account counts, whatever the claim says.
    provider.next("province-9", json!({}), "").await;
    assert_eq!(Browser::new(&city).sign_on().await.ok()["user"]["name"], user["name"]);
    city.stop().await;

    // A city without a provider says so.
    city.serve(&[]).await;
    assert_eq!(city.anonymous().get("/v1/session").await.ok()["signOnTitle"], "");
    Browser::new(&city).post("/v1/session:beginSignOn", json!({})).await.refused_for("SIGN_ON_NOT_SET", "27");
    let operator = city.as_person("operator").await;
    link(&operator, user["name"].as_str().unwrap(), "x").await.refused_for("SIGN_ON_NOT_SET", "27");
    city.stop().await;
}
