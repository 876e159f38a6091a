//! The acts of the walking line, named after what people do, in JSON through the gateway.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{
    HANG,
    city::City,
    web::{Web, encoded},
};

/// A department with its people, made by the platform operator for one story.
pub struct Department {
    /// `organisations/{id}`.
    pub name: String,
    /// Password of `{unit}-handler`.
    pub handler_password: String,
    /// Drafts and draws.
    pub handler: Web,
    /// Reviews and publishes.
    pub reviewer: Web,
}

/// The platform operator registers a department, its handler, its reviewer and six officers for one district.
pub async fn found_department(city: &City, id: &str, district: &str) -> Department {
    let operator = city.as_person("operator").await;
    let organisation = json!({
        "title": format!("{id}市场监督管理局"), "titleEn": id, "kind": "ORGANISATION_KIND_DEPARTMENT",
        "district": "410200", "responsible": "局长", "enforcing": true,
    });
    let made = operator.post(&format!("/v1/organisations?organisationId={id}"), organisation).await.ok();
    let name = made["name"].as_str().unwrap().to_owned();
    assert_eq!(name, format!("organisations/{id}"));
    let (mut signed_in, mut passwords) = (Vec::new(), Vec::new());
    for (duty, role) in [("handler", "ROLE_HANDLER"), ("reviewer", "ROLE_REVIEWER")] {
        let username = format!("{id}-{duty}");
        let user = json!({"username": username, "realName": "石磊", "organisation": name, "roles": [role]});
        let made = operator.post("/v1/users", json!({"user": user, "verification": "核验居民身份证原件"})).await.ok();
        let password = made["password"].as_str().unwrap();
        signed_in.push(Web::sign_in(&city.url, &username, password).await);
        passwords.push(password.to_owned());
    }
    for nth in 1..=6 {
        let user = json!({
            "username": format!("{id}-officer-{nth}"), "realName": "高洁", "organisation": name, "roles": ["ROLE_OFFICER"],
            "certificate": {"number": format!("{id}-{nth:04}"), "expireDate": "2031-12-31", "districts": [district]},
        });
        operator.post("/v1/users", json!({"user": user, "verification": "核验居民身份证原件"})).await.ok();
    }
    let reviewer = signed_in.pop().unwrap();
    Department { name, handler_password: passwords.swap_remove(0), handler: signed_in.pop().unwrap(), reviewer }
}

impl Department {
    /// The last part of the name, as draws know it.
    pub fn unit(&self) -> &str {
        self.name.trim_start_matches("organisations/")
    }

    /// Uploads a register; answers the report and the seconds it took.
    pub async fn upload_register(
        &self,
        file_name: &str,
        file: Vec<u8>,
        columns: &[&str],
        district: &str,
    ) -> (Value, f64) {
        let columns: String = columns.iter().map(|c| format!("&columns={}", encoded(c))).collect();
        let path = format!(
            "/v1/{}/subjects:import?fileName={}&defaultDistrict={district}{columns}",
            self.name,
            encoded(file_name)
        );
        let started = Instant::now();
        let report = self.handler.upload(&path, file).await.ok();
        (report, started.elapsed().as_secs_f64())
    }

    /// Imports a list of items with checklists onto the random-inspection list; the reviewer publishes it.
    pub async fn publish_items(&self, file_name: &str, file: Vec<u8>) -> (Value, Value) {
        let path = format!(
            "/v1/{}/items:import?fileName={}&randomListed=true&deriveChecklist=true&leader={}&undertakingUnit={}&handler={}",
            self.name,
            encoded(file_name),
            encoded("赵立新"),
            encoded("信用监管科"),
            encoded("孙晓")
        );
        let report = self.handler.upload(&path, file).await.ok();
        let published = self.reviewer.post(&format!("/v1/{}/items:publish", self.name), json!({})).await.ok();
        (report, published)
    }

    /// Names of the published items, at most 100.
    pub async fn items(&self) -> Vec<String> {
        let list =
            self.handler.get(&format!("/v1/{}/items?pageSize=100&state=ITEM_STATE_PUBLISHED", self.name)).await.ok();
        list["items"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }

    /// A draft of a plan over the register.
    pub fn draft(&self, title: &str, items: &[String], ppm: u64) -> Value {
        json!({
            "organisation": self.name, "title": title, "year": 2026, "kind": "PLAN_KIND_SPECIAL", "items": items,
            "stratification": "STRATIFICATION_DISTRICT", "quotas": [{"stratum": "*", "ppm": ppm.to_string()}],
            "teams": [{"organisation": self.name, "size": 2}], "coverDistrict": true,
            "startDate": "2026-01-01", "endDate": "2027-12-31", "method": "现场检查", "frequency": "每年1次",
        })
    }

    /// Drafts a plan and submits it once draws has heard of the items; the reviewer publishes it. Answers its name.
    pub async fn publish_plan(&self, draft: Value) -> String {
        let plan = self.handler.post("/v1/plans", draft).await.ok();
        let name = plan["name"].as_str().unwrap().to_owned();
        let submit = json!({"etag": plan["etag"]});
        let submitted = loop {
            let answer = self.handler.post(&format!("/v1/{name}:submit"), submit.clone()).await;
            if answer.status.is_success() {
                break answer.json();
            }
            // Draws learns of published items by following catalog.
            answer.refused_for("ITEM_NOT_PLANNABLE", "9");
            tokio::task::yield_now().await;
        };
        let publish = json!({"etag": submitted["etag"]});
        let published = self.reviewer.post(&format!("/v1/{name}:publish"), publish).await.ok();
        assert_eq!(published["state"], "PLAN_STATE_PUBLISHED");
        name
    }

    /// A draw over a plan: this department and the supervision office contribute, then the demonstration beacon.
    pub fn draw_of(&self, plan: &str, close_secs: i64, beacon_secs: i64) -> Value {
        let department = |unit: &str| json!({"contributor": unit, "kind": "CONTRIBUTOR_KIND_DEPARTMENT", "unit": unit});
        json!({
            "plan": plan,
            "contributors": [department(self.unit()), department("supervision"),
                {"contributor": "lottery:demo:0", "kind": "CONTRIBUTOR_KIND_BEACON"}],
            "entriesClose": in_secs(close_secs), "beaconTime": in_secs(beacon_secs), "revealBy": in_secs(3_600),
        })
    }

    /// States a created draw once draws has heard of the officers.
    pub async fn state(&self, draw: &Value) -> Value {
        let name = draw["name"].as_str().unwrap();
        loop {
            let answer = self.handler.post(&format!("/v1/{name}:state"), json!({"etag": draw["etag"]})).await;
            if answer.status.is_success() {
                return answer.json();
            }
            answer.refused_for("TOO_FEW_OFFICERS", "15");
            tokio::task::yield_now().await;
        }
    }
}

/// An instant so many seconds from now or up to one more: whole seconds, UTC.
pub fn in_secs(secs: i64) -> String {
    let rounded_up = chrono::Utc::now() + chrono::Duration::milliseconds(secs * 1_000 + 999);
    rounded_up.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Seconds for which a draw takes entries on this machine, where the upload of its register took so long. To state it reads
/// the register once more; the rest is a few small calls.
pub fn window(upload_secs: f64) -> i64 {
    // Seconds of an upload that did not hang: far below what an i64 holds.
    ((upload_secs * 4.0).ceil() as i64).max(20)
}

/// Waits until a draw whose entries close after so many seconds is dispatched; answers it.
pub async fn dispatched(web: &Web, name: &str, window_secs: i64) -> Value {
    let patience = HANG + Duration::from_secs(window_secs.unsigned_abs());
    let arrived = |draw: &Value| draw["state"] == "DRAW_STATE_DISPATCHED";
    web.until_within(patience, &format!("/v1/{name}"), "the dispatch", arrived).await
}

/// Gives an entry to a stated draw.
pub fn entry(draw: &Value, dice: &str) -> Value {
    json!({"value": dice, "statement": draw["statement"]})
}

/// A number that JSON carries as a string.
pub fn number(value: &Value) -> i64 {
    value.as_str().map_or_else(|| value.as_i64().unwrap_or(0), |text| text.parse().unwrap())
}
