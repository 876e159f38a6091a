//! The contract, line by line. A new line is news; a vanished line is a conversation. `UPDATE_GOLDEN=1` writes the files.

use std::fmt::Write;

use prost_reflect::{Kind, MessageDescriptor};
use proto::qingtian::access::v1::Scope;

fn compare(file: &str, text: &str) {
    let path = tests::root().join("tests/golden").join(file);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    if kept == text {
        return;
    }
    let (old, new): (Vec<_>, Vec<_>) = (kept.lines().collect(), text.lines().collect());
    let gone: Vec<_> = old.iter().filter(|line| !new.contains(line)).collect();
    let came: Vec<_> = new.iter().filter(|line| !old.contains(line)).collect();
    panic!("{file} changed; UPDATE_GOLDEN=1 accepts it.\nvanished: {gone:#?}\nnew: {came:#?}");
}

#[test]
fn every_field_and_its_number() {
    let mut text = String::new();
    for message in ours() {
        for field in message.fields() {
            let kind = match field.kind() {
                Kind::Message(other) => other.full_name().to_owned(),
                Kind::Enum(other) => other.full_name().to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            let repeated = if field.is_list() { "repeated " } else { "" };
            writeln!(text, "{} {} {} {repeated}{kind}", message.full_name(), field.number(), field.name()).unwrap();
        }
    }
    for one in proto::POOL.all_enums().filter(|e| e.full_name().starts_with("qingtian.")) {
        for value in one.values() {
            writeln!(text, "{} {} {}", one.full_name(), value.number(), value.name()).unwrap();
        }
    }
    compare("api.txt", &text);
}

fn ours() -> impl Iterator<Item = MessageDescriptor> {
    proto::POOL.all_messages().filter(|message| message.full_name().starts_with("qingtian."))
}

#[test]
fn every_method_its_route_and_who_may_call_it() {
    let http = proto::POOL.get_extension_by_name("google.api.http").unwrap();
    let mut text = String::new();
    for service in proto::POOL.services().filter(|s| s.full_name().starts_with("qingtian.")) {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let rule = &kit::auth::rules()[&path];
            let mut who = Vec::new();
            if rule.rule.public {
                who.push("PUBLIC".to_owned());
            }
            if rule.rule.signed_in {
                who.push("signed in".to_owned());
            }
            who.extend(rule.roles().iter().map(|role| role.as_str_name().trim_start_matches("ROLE_").to_owned()));
            who.extend(rule.rule.services.iter().map(|part| format!("part {part}")));
            let scope = match rule.scope() {
                Scope::Unspecified => "-",
                Scope::Own => "own",
                Scope::Organisation => "organisation",
                Scope::City => "city",
            };
            let options = method.options();
            let route = options.get_extension(&http);
            let route = route.as_message().unwrap();
            let verb = ["get", "post", "put", "patch", "delete"]
                .into_iter()
                .find(|verb| route.has_field_by_name(verb))
                .map_or("internal".to_owned(), |verb| {
                    let pattern = route.get_field_by_name(verb).unwrap();
                    format!("{} {}", verb.to_uppercase(), pattern.as_str().unwrap())
                });
            let personal = if rule.rule.personal_data { " PERSONAL DATA" } else { "" };
            writeln!(text, "{path} | {verb} | {scope} | {}{personal}", who.join(", ")).unwrap();
        }
    }
    compare("access.txt", &text);
}

#[test]
fn every_message_field_and_rpc_is_documented() {
    // Comments are the documentation: the stubs and the OpenAPI text carry them.
    for file in proto::POOL.files().filter(|f| f.package_name().starts_with("qingtian.")) {
        let raw = file.file_descriptor_proto();
        let info = raw.source_code_info.as_ref().unwrap();
        let commented = |path: &[i32]| {
            info.location
                .iter()
                .any(|l| l.path == path && l.leading_comments.as_ref().is_some_and(|c| !c.trim().is_empty()))
        };
        for (m, message) in (0..).zip(&raw.message_type) {
            assert!(commented(&[4, m]), "{} is not documented", message.name());
            for (f, field) in (0..).zip(&message.field) {
                let kept = field.oneof_index.is_some() && !field.proto3_optional();
                assert!(commented(&[4, m, 2, f]) || kept, "{}.{} is not documented", message.name(), field.name());
            }
        }
        for (s, service) in (0..).zip(&raw.service) {
            for (r, method) in (0..).zip(&service.method) {
                assert!(commented(&[6, s, 2, r]), "{}.{} is not documented", service.name(), method.name());
            }
        }
    }
}

#[test]
fn no_event_and_no_public_message_has_a_field_for_personal_data() {
    for message in
        ours().filter(|m| m.full_name().contains(".events.") || m.full_name().starts_with("qingtian.portal."))
    {
        for field in message.fields() {
            for word in ["real_name", "phone", "password", "secret", "identity_number"] {
                assert!(!field.name().contains(word), "{} carries {}", message.full_name(), field.name());
            }
        }
    }
}

/// Each operation of `/openapi.json` with the statuses it may answer, and its own reasons of refusal.
#[test]
fn every_operation_and_its_answers() {
    let routes = gateway::routes::Routes::new(&proto::POOL).unwrap();
    let url = "https://q.example".parse().unwrap();
    let mut text = String::new();
    for operation in gateway::openapi::Description::new(&proto::POOL, &routes, &url).operations {
        let responses = operation.json["responses"].as_object().unwrap();
        let mut statuses: Vec<_> = responses.keys().map(String::as_str).collect();
        statuses.sort_unstable();
        let method = operation.method.to_uppercase();
        writeln!(text, "{method} {} {} {}", operation.path, operation.id, statuses.join(",")).unwrap();
    }
    compare("openapi.txt", &text);
}
