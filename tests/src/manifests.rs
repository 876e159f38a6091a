//! What is written for Kubernetes and compose, as objects: read, never run.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::root;

/// One object of Kubernetes.
#[derive(Debug, Clone)]
pub struct Object {
    /// Where it stands.
    pub file: PathBuf,
    /// What it says.
    pub value: Value,
}

impl Object {
    /// Kind, such as `Deployment`.
    pub fn kind(&self) -> &str {
        self.value["kind"].as_str().unwrap_or_default()
    }

    /// Name.
    pub fn name(&self) -> &str {
        self.value["metadata"]["name"].as_str().unwrap_or_default()
    }

    /// `Deployment/draws`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.kind(), self.name())
    }

    /// What pods are made from, where it makes pods.
    pub fn pod(&self) -> Option<&Value> {
        let template = &self.value["spec"]["template"];
        ["Deployment", "Job", "StatefulSet", "DaemonSet"].contains(&self.kind()).then_some(template)
    }
}

/// A list, empty where there is none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Text, empty where there is none.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The documents of a YAML file, with `<<` merged.
pub fn documents(file: &Path) -> Vec<Value> {
    let content = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let read = |document| -> anyhow::Result<Value> {
        let mut value = serde_norway::Value::deserialize(document)?;
        // What is merged may itself begin with a merge.
        loop {
            let before = value.clone();
            value.apply_merge()?;
            if value == before {
                return Ok(serde_json::to_value(value)?);
            }
        }
    };
    serde_norway::Deserializer::from_str(&content)
        .map(|document| read(document).unwrap_or_else(|e| panic!("{}: {e:#}", file.display())))
        .filter(|value| !value.is_null())
        .collect()
}

/// The objects of a kustomization below the repository: of its resources, and what it generates, under the names written there.
pub fn kustomized(folder: &str) -> Vec<Object> {
    let folder = root().join(folder);
    let file = folder.join("kustomization.yaml");
    let kustomization = documents(&file).remove(0);
    let mut objects = Vec::new();
    for resource in list(&kustomization["resources"]) {
        let path = folder.join(text(resource));
        if path.is_dir() {
            let inner = std::fs::canonicalize(&path).unwrap();
            let inner = inner.strip_prefix(std::fs::canonicalize(root()).unwrap()).unwrap().to_owned();
            objects.extend(kustomized(inner.to_str().unwrap()));
        } else {
            let found = documents(&path).into_iter().map(|value| Object { file: path.clone(), value });
            objects.extend(found);
        }
    }
    for generated in list(&kustomization["configMapGenerator"]) {
        let data: serde_json::Map<String, Value> = list(&generated["literals"])
            .iter()
            .filter_map(|literal| text(literal).split_once('='))
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        let metadata = json!({"name": generated["name"], "namespace": kustomization["namespace"]});
        let value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
        objects.push(Object { file: file.clone(), value });
    }
    objects
}

/// Whether labels satisfy a selector as Kubernetes reads it; an empty one is satisfied by all.
pub fn selects(selector: &Value, labels: &Value) -> bool {
    let plain = selector["matchLabels"].as_object();
    let expressions = list(&selector["matchExpressions"]);
    plain.is_none_or(|wanted| wanted.iter().all(|(name, value)| labels[name] == *value))
        && expressions.iter().all(|expression| {
            let value = &labels[text(&expression["key"])];
            match text(&expression["operator"]) {
                "In" => list(&expression["values"]).contains(value),
                "NotIn" => !list(&expression["values"]).contains(value),
                "Exists" => !value.is_null(),
                "DoesNotExist" => value.is_null(),
                other => panic!("no operator of a selector: {other}"),
            }
        })
}
