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
