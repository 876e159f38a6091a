//! From the templates of `google.api.http` to paths of OpenAPI, where a parameter is one segment: `/v1/{plan.name=plans/*}`
//! becomes `/v1/plans/{plan}`. A parameter is called as the pattern of the resource calls it, so that every operation on one
//! thing has the same path.

use std::collections::BTreeMap;

use prost_reflect::{DescriptorPool, Value as Reflected};
use serde_json::{Value, json};

use super::examples;
use crate::routes::Route;
use crate::template::Segment;

/// What one thing of a collection is called: `plans` to `plan`.
pub type Collections = BTreeMap<String, String>;

/// Reads the patterns of all resources.
pub fn collections(pool: &DescriptorPool) -> Collections {
    let mut found = Collections::new();
    let Some(extension) = pool.get_extension_by_name("google.api.resource") else { return found };
    for message in pool.all_messages() {
        let options = message.options();
        let resource = options.get_extension(&extension);
        let Some(resource) = resource.as_message() else { continue };
        let patterns = resource.get_field_by_name("pattern");
        let Some(patterns) = patterns.as_deref().and_then(Reflected::as_list) else { continue };
        for pattern in patterns.iter().filter_map(Reflected::as_str) {
            let parts: Vec<&str> = pattern.split('/').collect();
            for pair in parts.windows(2) {
                if let [collection, thing] = pair
                    && let Some(thing) = thing.strip_prefix('{').and_then(|thing| thing.strip_suffix('}'))
                {
                    found.entry((*collection).to_owned()).or_insert_with(|| camel(thing));
                }
            }
        }
    }
    found
}

/// One segment of a path that is given.
#[derive(Debug)]
pub struct Parameter {
    pub name: String,
    pub text: String,
    pub example: String,
    several: bool,
}

impl Parameter {
    pub fn json(&self) -> Value {
        // A value of several segments cannot be told to OpenAPI but in words.
        let pattern = if self.several { "^.+$" } else { "^[^/?#]+$" };
        json!({
            "name": self.name,
            "in": "path",
            "required": true,
            "description": self.text,
            "schema": {"type": "string", "minLength": 1, "pattern": pattern, "examples": [self.example]},
        })
    }
}

/// A path with its parameters.
#[derive(Debug)]
pub struct Path {
    pub text: String,
    pub parameters: Vec<Parameter>,
}

impl Path {
    pub fn of(route: &Route, collections: &Collections) -> Self {
        let template = route.template();
        let mut path = Self { text: String::new(), parameters: Vec::new() };
        for (at, segment) in template.segments.iter().enumerate() {
            let collection = match at.checked_sub(1).and_then(|before| template.segments.get(before)) {
                Some(Segment::Literal(text)) => text.as_str(),
                _ => "",
            };
            path.text.push('/');
            if let Segment::Literal(text) = segment {
                path.text.push_str(text);
                continue;
            }
            let variable = template.variables.iter().find(|v| v.start <= at && v.end.is_none_or(|end| at < end));
            let field = variable.and_then(|v| v.field.last()).map_or("rest", String::as_str);
            let one = collections.get(collection).cloned().unwrap_or_else(|| singular(collection, field));
            let mut name = one.clone();
            let mut count = 1;
            while path.parameters.iter().any(|other| other.name == name) {
                count += 1;
                name = format!("{one}{count}");
            }
            path.text.push_str(&format!("{{{name}}}"));
            let whole: Vec<&str> = variable
                .map(|v| &template.segments[v.start..v.end.unwrap_or(template.segments.len())])
                .unwrap_or_default()
                .iter()
                .map(|segment| match segment {
                    Segment::Literal(text) => text.as_str(),
                    Segment::One => "*",
                    Segment::Rest => "**",
                })
                .collect();
            let text = if collection.is_empty() {
                format!("The field `{field}`.")
            } else {
                format!("Which of `{collection}`; part of the field `{field}`, `{}`.", whole.join("/"))
            };
            let several = *segment == Segment::Rest;
            path.parameters.push(Parameter { name, text, example: examples::last_part(collection), several });
        }
        if let Some(verb) = &template.verb {
            path.text.push_str(&format!(":{verb}"));
        }
        path
    }
}

fn singular(collection: &str, field: &str) -> String {
    match collection {
        "" => camel(field),
        _ => collection
            .strip_suffix("ies")
            .map(|stem| format!("{stem}y"))
            .or_else(|| collection.strip_suffix('s').map(str::to_owned))
            .unwrap_or_else(|| format!("{collection}Id")),
    }
}

/// `proof_code` to `proofCode`.
fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (at, part) in name.split('_').enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if at > 0 => camel.extend(first.to_uppercase().chain(letters)),
            Some(first) => camel.extend(std::iter::once(first).chain(letters)),
            None => {}
        }
    }
    camel
}
