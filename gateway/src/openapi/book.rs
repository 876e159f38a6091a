//! The description for people: the same operations, as `/openapi` shows them.

use std::collections::BTreeSet;

use pages::reference::{Chapter, Entry, Field, Reference, Refused};
use serde_json::Value;

use super::Description;
use super::operations::{Operation, tag};
use super::refusals;
use crate::routes::{Route, Routes};

/// Objects inside each other whose members are shown, at the most.
const DEPTH_MAX: usize = 3;
/// Told once for all operations.
const COMMON: [&str; 12] = [
    "INVALID",
    "BAD_JSON",
    "BAD_HTTP",
    "NOT_SIGNED_IN",
    "NO_SUCH_ROUTE",
    "METHOD",
    "NOT_ACCEPTABLE",
    "TOO_SLOW",
    "TOO_LARGE",
    "CONTENT_TYPE",
    "TOO_MANY_REQUESTS",
    "INTERNAL",
];
const UNAVAILABLE: &str = "UNAVAILABLE";

impl Description {
    /// The same for people.
    pub fn reference(&self, routes: &Routes) -> Reference {
        let mut reference = Reference { version: env!("CARGO_PKG_VERSION").to_owned(), ..Reference::default() };
        let mut seen = BTreeSet::new();
        for (route, operation) in routes.all().iter().zip(&self.operations) {
            let name = tag(route);
            for (status, refused) in &operation.refused {
                for refused in refused.iter().filter(|refused| is_common(&refused.reason)) {
                    if seen.insert((*status, refused.reason.clone())) {
                        reference.common.push((*status, vec![shown(refused)]));
                    }
                }
            }
            let entry = self.entry(route, operation);
            match reference.chapters.iter_mut().find(|chapter| chapter.name == name) {
                Some(chapter) => chapter.entries.push(entry),
                None => {
                    let tags = self.json["tags"].as_array().into_iter().flatten();
                    let text =
                        tags.filter(|tag| tag["name"] == name.as_str()).filter_map(|tag| tag["description"].as_str());
                    let text = text.collect();
                    reference.chapters.push(Chapter { name, text, entries: vec![entry] });
                }
            }
        }
        reference.common.sort_by_key(|(status, _)| *status);
        // What everybody looks for comes first.
        reference.chapters.sort_by_key(|chapter| !chapter.name.starts_with("portal"));
        reference
    }

    fn entry(&self, route: &Route, operation: &Operation) -> Entry {
        let json = &operation.json;
        let mut parameters = Vec::new();
        for parameter in json["parameters"].as_array().into_iter().flatten() {
            let parameter = self.resolved(parameter);
            let is_for_all =
                ["X-Request-Id", "If-None-Match", "Range", "If-Range"].iter().any(|name| parameter["name"] == *name);
            if !is_for_all {
                parameters.push(Field {
                    name: word(&parameter["name"]),
                    place: word(&parameter["in"]),
                    kind: self.kind(&parameter["schema"]),
                    required: parameter["required"] == true,
                    text: word(&parameter["description"]),
                });
            }
        }
        let content = |of: &Value| {
            of["content"].as_object().and_then(|c| c.iter().next()).map(|(t, c)| (t.clone(), c["schema"].clone()))
        };
        let mut body = Vec::new();
        if let Some((kind, schema)) = content(&json["requestBody"]) {
            let schema = schema.get("contentSchema").cloned().unwrap_or(schema);
            self.members(&schema, "", DEPTH_MAX, &mut body);
            if body.is_empty() && schema["format"] == "binary" {
                body.push(Field {
                    kind,
                    text: word(&json["requestBody"]["description"]),
                    required: true,
                    ..Field::default()
                });
            }
        }
        let (mut answer, mut fields) = (String::new(), Vec::new());
        if let Some((kind, schema)) = content(&json["responses"]["200"]) {
            let message = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next());
            answer = message.map_or(kind.clone(), |message| format!("{kind} {message}"));
            self.members(&schema, "", DEPTH_MAX, &mut fields);
        }
        let own = |(status, reasons): (&u16, &Vec<refusals::Refused>)| {
            let reasons: Vec<Refused> = reasons.iter().filter(|r| !is_common(&r.reason)).map(shown).collect();
            (!reasons.is_empty()).then_some((*status, reasons))
        };
        Entry {
            id: operation.id.clone(),
            rpc: route.rpc.name().to_owned(),
            method: route.http.to_string(),
            path: operation.path.clone(),
            text: operation.comment.clone(),
            public: route.rule.public,
            signed_in: route.rule.signed_in,
            roles: super::operations::roles(route).iter().map(|role| role.as_str_name().to_owned()).collect(),
            personal_data: route.rule.personal_data,
            parameters,
            body,
            answer,
            fields,
            refused: operation.refused.iter().filter_map(own).collect(),
            articles: super::comments::articles(&operation.comment),
            curl: self.curl(route, operation),
        }
    }

    /// The members of an object, those of inner ones by their whole names.
    fn members(&self, schema: &Value, before: &str, depth: usize, fields: &mut Vec<Field>) {
        let schema = self.resolved(schema);
        let Some(properties) = schema["properties"].as_object() else { return };
        for (name, member) in properties {
            let is_required = schema["required"].as_array().is_some_and(|list| list.iter().any(|r| r == name.as_str()));
            // What a request says of it is ignored.
            if member["readOnly"] == true && schema["additionalProperties"] == false {
                continue;
            }
            let is_list = member["type"] == "array";
            let name = format!("{before}{name}{}", if is_list { "[]" } else { "" });
            let inner = if is_list { &member["items"] } else { member };
            fields.push(Field {
                name: name.clone(),
                kind: self.kind(member),
                // In answers everything that can be is there.
                required: is_required && schema["additionalProperties"] == false,
                text: word(&member["description"]),
                ..Field::default()
            });
            if depth > 1 {
                self.members(inner, &format!("{name}."), depth - 1, fields);
            }
        }
    }

    fn resolved<'v>(&'v self, value: &'v Value) -> &'v Value {
        let to = value["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
        to.and_then(|to| self.json.pointer(to)).unwrap_or(value)
    }

    /// A type in a few words.
    fn kind(&self, schema: &Value) -> String {
        if let Some(values) = schema["anyOf"].as_array().and_then(|any| any.first()) {
            return self.kind(values);
        }
        if schema["type"] == "array" {
            return format!("[{}]", self.kind(&schema["items"]));
        }
        if let Some(message) = schema["$ref"].as_str().and_then(|to| to.rsplit('/').next()) {
            let values = self.resolved(schema)["enum"].as_array();
            let names: Option<Vec<&str>> =
                values.map(|values| values.iter().filter_map(Value::as_str).skip(1).collect());
            let short = message.rsplit('.').next().unwrap_or(message);
            return names.map_or_else(|| short.to_owned(), |names| names.join(" | "));
        }
        let mut text = word(&schema["type"]);
        let bound = |name: &str| schema[name].as_i64();
        if let Some(format) = schema["format"].as_str() {
            text += &format!(" ({format})");
        }
        match (bound("minimum"), bound("maximum")) {
            (Some(from), Some(to)) => text += &format!(" {from}–{to}"),
            (Some(from), None) if from != 0 => text += &format!(" ≥ {from}"),
            _ => {}
        }
        text
    }

    fn curl(&self, route: &Route, operation: &Operation) -> String {
        let json = &operation.json;
        let mut path = operation.path.clone();
        let mut query = Vec::new();
        for parameter in json["parameters"].as_array().into_iter().flatten() {
            let parameter = self.resolved(parameter);
            let example = &parameter["schema"]["examples"][0];
            let name = word(&parameter["name"]);
            if parameter["in"] == "path" {
                path = path.replace(&format!("{{{name}}}"), example.as_str().unwrap_or("1"));
            } else if parameter["in"] == "query" && (parameter["required"] == true || name == "pageSize") {
                let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                query.push(format!(
                    "{name}={}",
                    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
                ));
            }
        }
        let server = word(&self.json["servers"][0]["url"]);
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        let mut command = format!("curl '{server}{path}{query}'");
        if route.http != http::Method::GET {
            command = format!("curl -X {} '{server}{path}{query}'", route.http);
        }
        if !route.rule.public {
            command += " \\\n  -H \"authorization: Bearer $TOKEN\"";
        }
        if route.rule.personal_data {
            command += " \\\n  -H 'x-purpose: %E6%A0%B8%E5%AF%B9'";
        }
        let content = json["requestBody"]["content"].as_object().and_then(|content| content.iter().next());
        if let Some((kind, content)) = content {
            let example = &content["examples"]["example"]["value"];
            command += &format!(" \\\n  -H 'content-type: {kind}'");
            // A quote would end the shell's text.
            let data =
                if example.is_null() { "@file".to_owned() } else { example.to_string().replace('\'', "\\u0027") };
            command +=
                &if example.is_null() { format!(" \\\n  --data-binary {data}") } else { format!(" \\\n  -d '{data}'") };
        }
        if matches!(route.shape, crate::routes::Shape::Download) {
            command += " -O -J";
        }
        command
    }
}

fn is_common(reason: &str) -> bool {
    COMMON.contains(&reason) || reason == UNAVAILABLE
}

fn shown(refused: &refusals::Refused) -> Refused {
    Refused {
        reason: refused.reason.clone(),
        article: refused.article.clone(),
        zh: refused.zh.clone(),
        en: refused.en.clone(),
    }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
