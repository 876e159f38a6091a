use std::collections::BTreeSet;

use super::*;

fn description() -> Description {
    let routes = Routes::new(&proto::POOL).unwrap();
    Description::new(&proto::POOL, &routes, &"https://q.example/".parse().unwrap())
}

#[test]
fn the_description_is_the_same_every_time() {
    assert_eq!(Served::new(&description()).unwrap().plain, Served::new(&description()).unwrap().plain);
}

#[test]
fn every_route_has_an_operation_and_every_operation_tells_its_answers() {
    let (routes, description) = (Routes::new(&proto::POOL).unwrap(), description());
    assert_eq!(routes.all().len(), description.operations.len());
    let mut ids = BTreeSet::new();
    let mut places = BTreeSet::new();
    for (route, operation) in routes.all().iter().zip(&description.operations) {
        assert_eq!(route.label, operation.route_label);
        let told = &description.json["paths"][&operation.path][&operation.method];
        assert!(ids.insert(told["operationId"].as_str().unwrap().to_owned()), "{}", operation.id);
        assert!(places.insert((operation.method.clone(), operation.path.clone())), "{}", operation.id);
        assert!(!told["summary"].as_str().unwrap().is_empty(), "{}", operation.id);
        assert!(told["description"].as_str().unwrap().len() > 20, "{}", operation.id);
        for status in ["200", "400", "401", "404", "405", "429", "500", "503", "504"] {
            assert!(told["responses"].get(status).is_some(), "{} {status}", operation.id);
        }
        assert_eq!(told["security"] == json!([]), route.rule.public && operation.id != "session_Sessions_GetSession");
    }
}

/// Everything a `$ref` names is there, and every example is one of the schema's own words.
#[test]
fn no_reference_leads_nowhere() {
    fn walk(value: &Value, root: &Value, seen: &mut usize) {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(to)) = members.get("$ref") {
                    let found = root.pointer(to.strip_prefix('#').unwrap());
                    assert!(found.is_some_and(|found| !found.is_null()), "{to}");
                    *seen += 1;
                }
                members.values().for_each(|member| walk(member, root, seen));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, root, seen)),
            _ => {}
        }
    }
    let description = description();
    let mut seen = 0;
    walk(&description.json, &description.json, &mut seen);
    assert!(seen > 1_000);
}

#[test]
fn reasons_a_comment_names_stand_with_their_status() {
    let description = description();
    let publish = &description.json["paths"]["/v1/plans/{plan}:publish"]["post"];
    let bad = &publish["responses"]["400"];
    for reason in ["WRONG_STATE", "OWN_ACT", "ITEM_NOT_PLANNABLE", "INVALID", "REQUEST_ID_REUSED"] {
        assert!(bad["content"]["application/json"]["examples"].get(reason).is_some(), "{reason}");
    }
    assert!(publish["responses"]["409"]["description"].as_str().unwrap().contains("`STALE`"));
    let body = &description.json["components"]["schemas"]["qingtian.draws.v1.PublishPlanRequest"];
    assert!(body["properties"].get("name").is_none(), "it stands in the path");
    assert_eq!(body["required"], json!(["etag"]));
    assert_eq!(body["additionalProperties"], false);
}

/// The judgement of somebody else: `openapi-spec-validator`.
#[test]
fn the_description_is_valid_and_a_wrong_one_is_not() {
    let validator = concat!(env!("CARGO_MANIFEST_DIR"), "/../var/tools/venv/bin/openapi-spec-validator");
    assert!(std::path::Path::new(validator).exists(), "{validator} is missing; scripts/install.sh --tests makes it");
    let check = |json: &Value| {
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        std::fs::write(file.path(), json.to_string()).unwrap();
        let told = std::process::Command::new(validator).args(["--schema", "3.1"]).arg(file.path()).output().unwrap();
        (told.status.success(), String::from_utf8_lossy(&told.stdout).into_owned())
    };
    let mut json = description().json;
    let (valid, said) = check(&json);
    assert!(valid, "{said}");
    json["paths"]["/v1/plans"]["get"]["responses"]["200"]["content"] = json!("text");
    assert!(!check(&json).0);
}

/// An example may only hold what its schema knows; the enums and names in it are those of the contract.
#[test]
fn every_body_and_answer_has_an_example() {
    let description = description();
    let mut seen = 0;
    for operation in &description.operations {
        let bodies = [&operation.json["requestBody"], &operation.json["responses"]["200"]];
        for content in bodies.iter().filter_map(|body| body["content"]["application/json"].as_object()) {
            if content["schema"].get("$ref").is_some() {
                assert!(content["examples"]["example"].get("value").is_some(), "{}", operation.id);
                seen += 1;
            }
        }
    }
    assert!(seen > 100);
}

#[test]
fn people_are_told_the_same_operations() {
    let (routes, description) = (Routes::new(&proto::POOL).unwrap(), description());
    let reference = description.reference(&routes);
    let entries: Vec<_> = reference.chapters.iter().flat_map(|chapter| &chapter.entries).collect();
    assert_eq!(entries.len(), description.operations.len());
    assert!(reference.chapters[0].name == "portal.v1.Portal" && !reference.common.is_empty());
    let find = |rpc: &str| *entries.iter().find(|entry| entry.id == rpc).unwrap();
    let publish = find("draws_Plans_PublishPlan");
    assert_eq!(
        (publish.roles.as_slice(), publish.articles.as_slice()),
        (&["ROLE_REVIEWER".to_owned()][..], &["9".to_owned(), "14".into(), "18".into()][..])
    );
    assert!(
        publish.refused.iter().any(|(status, reasons)| *status == 400 && reasons.iter().any(|r| r.reason == "OWN_ACT"))
    );
    assert!(publish.body.iter().any(|field| field.name == "etag" && field.required));
    assert!(publish.curl.starts_with("curl -X POST 'https://q.example/v1/plans/2026-07:publish'"), "{}", publish.curl);
    let plans = find("portal_Portal_ListPlans");
    assert_eq!(plans.curl, "curl 'https://q.example/v1/public/plans?pageSize=20'");
    assert!(plans.fields.iter().any(|field| field.name == "plans[].plan.title"));
}
