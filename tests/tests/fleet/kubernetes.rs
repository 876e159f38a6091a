//! What stands in `k8s/`: every part has its file, nothing refers to nowhere, nobody may do or reach more than it must, and
//! the schemas of the oldest and the newest supported Kubernetes take it. A cluster is not needed for any of it.

mod references;
pub mod written;

use std::{collections::BTreeSet, path::PathBuf, process::Command};

use kit::auth::rules;
use qingtian::fleet::{GATEWAY, SERVICES};
use serde_json::{Value, json};
use tests::{
    manifests::{Object, documents, kustomized, list, selects, text},
    root,
};

/// The first and the last version of Kubernetes these files are for, as k8s/README.md says.
const VERSIONS: [&str; 2] = ["1.30.0", "1.37.0"];

/// Which part calls which: followers (`kit::follow`), revocations, which every process with a service follows, and the gateway.
const CALLS: [(&str, &[&str]); 5] = [
    ("identity", &["identity"]),
    ("catalog", &["identity"]),
    ("draws", &["identity", "catalog"]),
    ("portal", &["identity", "catalog", "draws"]),
    ("gateway", &["identity", "catalog", "draws", "portal"]),
];

fn base() -> Vec<Object> {
    kustomized("k8s/base")
}

fn city() -> Vec<Object> {
    kustomized("k8s/overlays/city")
}

fn parts() -> impl Iterator<Item = &'static str> {
    SERVICES.into_iter().chain([GATEWAY])
}

/// What a part lacks of its own in Kubernetes.
fn lacking(part: &str, objects: &[Object]) -> Vec<String> {
    let file = root().join(format!("k8s/base/{part}.yaml"));
    let mut lacks = Vec::new();
    for kind in ["ServiceAccount", "Service", "Deployment", "PodDisruptionBudget", "NetworkPolicy"] {
        if !objects.iter().any(|object| object.file == file && object.kind() == kind && object.name() == part) {
            lacks.push(format!("k8s/base/{part}.yaml: {kind}/{part}"));
        }
    }
    let serves = |object: &Object| {
        object.kind() == "Deployment"
            && object.value.pointer("/spec/template/spec/containers/0/args") == Some(&json!(["serve", part]))
    };
    if objects.iter().filter(|object| serves(object)).count() != 1 {
        lacks.push(format!("a Deployment, and one only, that serves {part}"));
    }
    let migrates = |object: &&Object| object.id() == "Job/migrate";
    let job = objects.iter().find(migrates).map(|job| list(&job.value["spec"]["template"]["spec"]["containers"]));
    let own = job.unwrap_or_default().iter().filter(|container| container["args"] == json!(["migrate", part])).count();
    if own != usize::from(part != GATEWAY) {
        lacks.push(format!("{own} containers of Job/migrate for {part}"));
    }
    lacks
}

#[test]
fn every_part_has_its_kubernetes_file_and_every_deployment_is_a_part() {
    let objects = base();
    for part in parts() {
        assert_eq!(lacking(part, &objects), [""; 0], "{part} lacks something");
    }
    let deployed: BTreeSet<&str> = objects.iter().filter(|o| o.kind() == "Deployment").map(Object::name).collect();
    assert_eq!(deployed, parts().collect());
    // The part of tomorrow has none yet, and the test that greets it says what it lacks.
    let lacks = lacking("joint", &objects);
    assert_eq!(lacks.len(), 7, "{lacks:?}");
    assert!(lacks[0].contains("k8s/base/joint.yaml: ServiceAccount/joint"), "{lacks:?}");
}

#[test]
fn every_file_below_k8s_is_part_of_what_is_applied() {
    let used: BTreeSet<PathBuf> = city().into_iter().map(|o| std::fs::canonicalize(o.file).unwrap()).collect();
    let mut seen = 0;
    for folder in ["k8s/base", "k8s/overlays/city"] {
        for entry in std::fs::read_dir(root().join(folder)).unwrap() {
            let path = std::fs::canonicalize(entry.unwrap().path()).unwrap();
            seen += 1;
            assert!(used.contains(&path) || path.ends_with("kustomization.yaml"), "{} is in no list", path.display());
        }
    }
    assert!(seen > 10);
}

/// What makes a pod softer than it may be, or its objects tell more than they may.
fn soft(object: &Object) -> Vec<String> {
    let mut found = Vec::new();
    let Some(pod) = object.pod() else { return found };
    let want = |found: &mut Vec<String>, whole: &Value, pointer: &str, wanted: Value| {
        let is = whole.pointer(pointer).unwrap_or(&Value::Null);
        if *is != wanted {
            found.push(format!("{}: {pointer} is {is}, not {wanted}", object.id()));
        }
    };
    for (pointer, wanted) in [
        ("/spec/automountServiceAccountToken", json!(false)),
        ("/spec/enableServiceLinks", json!(false)),
        ("/spec/hostNetwork", Value::Null),
        ("/spec/hostPID", Value::Null),
        ("/spec/hostIPC", Value::Null),
        ("/spec/securityContext/runAsNonRoot", json!(true)),
        ("/spec/securityContext/runAsUser", json!(65_532)),
        ("/spec/securityContext/runAsGroup", json!(65_532)),
        ("/spec/securityContext/seccompProfile/type", json!("RuntimeDefault")),
        ("/spec/serviceAccountName", json!(object.name())),
    ] {
        want(&mut found, pod, pointer, wanted);
    }
    for container in list(&pod["spec"]["containers"]) {
        for (pointer, wanted) in [
            ("/securityContext/allowPrivilegeEscalation", json!(false)),
            ("/securityContext/privileged", json!(false)),
            ("/securityContext/readOnlyRootFilesystem", json!(true)),
            ("/securityContext/capabilities", json!({"drop": ["ALL"]})),
            ("/image", json!(format!("qingtian.example/qingtian:{}", env!("CARGO_PKG_VERSION")))),
        ] {
            want(&mut found, container, pointer, wanted);
        }
        for amount in ["/resources/requests/cpu", "/resources/requests/memory", "/resources/limits/memory"] {
            if container.pointer(amount).is_none() {
                found.push(format!("{}: {amount} is not bounded", object.id()));
            }
        }
        for variable in list(&container["env"]) {
            let name = text(&variable["name"]);
            let secret = ["PASSWORD", "SECRET", "TOKEN", "REDIS_URL"].iter().any(|word| name.contains(word));
            if secret && variable["valueFrom"]["secretKeyRef"].is_null() {
                found.push(format!("{}: {name} is no reference to a Secret", object.id()));
            }
        }
    }
    for volume in list(&pod["spec"]["volumes"]) {
        if !volume["hostPath"].is_null() || volume["emptyDir"].is_object() && volume["emptyDir"]["sizeLimit"].is_null()
        {
            found.push(format!("{}: volume {} is the host's or has no edge", object.id(), volume["name"]));
        }
    }
    found
}

#[test]
fn every_pod_is_as_hard_as_it_may_be() {
    let objects = base();
    for object in &objects {
        assert_eq!(soft(object), [""; 0]);
    }
    // Each of these, undone, is told.
    let draws = objects.iter().find(|o| o.id() == "Deployment/draws").unwrap();
    let container = "/spec/template/spec/containers/0";
    for (pointer, value) in [
        ("/spec/template/spec/automountServiceAccountToken".to_owned(), json!(true)),
        ("/spec/template/spec/hostNetwork".to_owned(), json!(true)),
        ("/spec/template/spec/securityContext/runAsUser".to_owned(), json!(0)),
        (format!("{container}/securityContext/readOnlyRootFilesystem"), json!(false)),
        (format!("{container}/securityContext/capabilities/add"), json!(["NET_ADMIN"])),
        (format!("{container}/image"), json!("qingtian.example/qingtian:latest")),
        (format!("{container}/resources"), json!({})),
        (format!("{container}/env/1"), json!({"name": "PGPASSWORD", "value": "hello"})),
        ("/spec/template/spec/volumes/0".to_owned(), json!({"name": "keys", "hostPath": {"path": "/etc"}})),
    ] {
        assert!(!soft(&references::with(draws, &pointer, value)).is_empty(), "{pointer} passes");
    }
}

#[test]
fn nothing_secret_stands_in_the_files() {
    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(values) => values.iter().for_each(|value| strings(value, found)),
            Value::Object(values) => values.values().for_each(|value| strings(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let carries_password = |text: &str| {
        let authority = text.split_once("://").map(|(_, rest)| rest.split(['/', '?']).next().unwrap_or_default());
        authority.and_then(|authority| authority.rsplit_once('@')).is_some_and(|(user, _)| user.contains(':'))
    };
    assert!(carries_password("postgres://a:b@host/x") && !carries_password("postgres://qingtian_{service}@host:1/x"));
    let mut all = Vec::new();
    for object in city() {
        assert_ne!(object.kind(), "Secret", "{}", object.file.display());
        strings(&object.value, &mut all);
    }
    strings(&Value::Array(documents(&root().join("deploy/compose.yaml"))), &mut all);
    assert!(all.len() > 500);
    for text in all {
        assert!(!carries_password(&text), "{text}");
        assert!(!text.contains("PRIVATE KEY"), "{text}");
    }
}

/// The parts at the other ends of a policy's rules, by the labels of their pods.
fn others(policy: &Object, direction: &str, end: &str) -> BTreeSet<&'static str> {
    let peers = list(&policy.value["spec"][direction]).iter().flat_map(|rule| list(&rule[end]));
    let mut found = BTreeSet::new();
    for peer in peers.filter(|peer| peer["namespaceSelector"].is_null() && peer["podSelector"].is_object()) {
        found.extend(parts().filter(|part| {
            let labels = json!({"app.kubernetes.io/name": part, "app.kubernetes.io/part-of": "qingtian"});
            selects(&peer["podSelector"], &labels)
        }));
    }
    found
}

#[test]
fn a_part_reaches_the_parts_it_calls_and_no_others() {
    let objects = base();
    let policy = |part: &str| objects.iter().find(|o| o.id() == format!("NetworkPolicy/{part}")).unwrap();
    let calls = |part: &str| -> BTreeSet<&str> {
        let (_, callees) = CALLS.iter().find(|(caller, _)| *caller == part).unwrap();
        callees.iter().copied().collect()
    };
    for part in parts() {
        assert_eq!(others(policy(part), "egress", "to"), calls(part), "what {part} may call");
        let callers: BTreeSet<&str> = parts().filter(|caller| calls(caller).contains(part)).collect();
        assert_eq!(others(policy(part), "ingress", "from"), callers, "who may call {part}");
        assert_eq!(policy(part).value["spec"]["policyTypes"], json!(["Ingress", "Egress"]));
        // The contract lets the caller in, too. The gateway passes people's calls on, whatever they are.
        for callee in calls(part).into_iter().filter(|_| part != GATEWAY) {
            let package = format!("/qingtian.{callee}.v1.");
            let lets_in = |(method, rule): (&String, &kit::auth::MethodRule)| {
                method.starts_with(&package) && rule.rule.services.iter().any(|service| service == part)
            };
            assert!(rules().iter().any(lets_in), "no rpc of {callee} lets {part} in");
        }
    }
    let deny = objects.iter().find(|o| o.id() == "NetworkPolicy/default-deny").unwrap();
    let wanted = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    assert_eq!(deny.value["spec"], wanted, "everything that is not allowed is denied");
}

fn tool(name: &str) -> PathBuf {
    let path = root().join("var/tools/venv/bin").join(name);
    assert!(path.exists(), "{} is missing; scripts/install.sh --tests makes it", path.display());
    path
}

/// Has every object of these files validated, strictly, against the schemas of a version; answers how many passed.
fn validated(version: &str, files: &BTreeSet<PathBuf>) -> usize {
    let mut command = Command::new(tool("kubernetes-validate"));
    let told = command.args(["--strict", "-k", version]).args(files).output().unwrap();
    let text = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{version}: {text}");
    text.lines().filter(|line| line.contains(" passed for resource ")).count()
}

#[test]
fn every_object_is_valid_by_the_schemas_of_the_oldest_and_the_newest_version() {
    let readme = std::fs::read_to_string(root().join("k8s/README.md")).unwrap();
    let [oldest, newest] = VERSIONS.map(|version| version.trim_end_matches(".0"));
    assert!(readme.contains(&format!("Kubernetes {oldest} to {newest}:")), "the README names other versions");
    let folder = tempfile::tempdir().unwrap();
    // Those that kustomize makes are written down first.
    let (made, written): (Vec<_>, Vec<_>) =
        city().into_iter().partition(|object| object.file.ends_with("kustomization.yaml"));
    let mut files: BTreeSet<PathBuf> = written.iter().map(|object| object.file.clone()).collect();
    for object in &made {
        let file = folder.path().join(format!("{}.json", object.name()));
        std::fs::write(&file, object.value.to_string()).unwrap();
        files.insert(file);
    }
    for version in VERSIONS {
        assert_eq!(validated(version, &files), made.len() + written.len(), "{version}: some object was not looked at");
    }
    // What no version knows is refused, so a silent validator would be noticed.
    let draws = written.iter().find(|object| object.id() == "Deployment/draws").unwrap();
    let wrong = references::with(draws, "/spec/template/spec/containers/0/livenesProbe", json!({}));
    let file = folder.path().join("wrong.json");
    std::fs::write(&file, wrong.value.to_string()).unwrap();
    let mut command = Command::new(tool("kubernetes-validate"));
    assert!(!command.args(["--strict", "-k", VERSIONS[0]]).arg(file).output().unwrap().status.success());
}

#[test]
fn kustomize_renders_the_overlay_to_the_same_objects() {
    let rendered = Command::new("kubectl").args(["kustomize", "k8s/overlays/city"]).current_dir(root()).output();
    let Ok(rendered) = rendered else {
        println!("SKIPPED kubernetes: kubectl is not installed; the overlay was not rendered by kustomize itself");
        return;
    };
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rendered.yaml");
    std::fs::write(&file, &rendered.stdout).unwrap();
    let objects: Vec<Object> = documents(&file).into_iter().map(|value| Object { file: file.clone(), value }).collect();
    // A generated ConfigMap carries a digest of what it holds at the end of its name, and is known by that.
    let made = objects.iter().find(|o| o.kind() == "ConfigMap" && o.name().starts_with("qingtian-site-")).unwrap();
    let ids = |objects: &[Object]| -> BTreeSet<String> {
        objects.iter().map(|object| object.id().replace(made.name(), "qingtian-site")).collect()
    };
    assert_eq!(ids(&objects), ids(&city()));
    let gateway = objects.iter().find(|o| o.id() == "Deployment/gateway").unwrap();
    let image = gateway.value.pointer("/spec/template/spec/containers/0/image").unwrap();
    assert_eq!(image, &json!(format!("registry.city.example/qingtian:{}", env!("CARGO_PKG_VERSION"))));
    for version in VERSIONS {
        assert_eq!(validated(version, &[file.clone()].into()), objects.len());
    }
}

#[test]
fn the_policy_linter_finds_nothing_that_is_not_argued_away() {
    let checkov = root().join("var/tools/checkov/bin/checkov");
    if !tests::proving() || !checkov.exists() {
        println!("SKIPPED kubernetes: the policy linter runs in `make prove`, which installs it");
        return;
    }
    // Folders with a dot before their name it passes over.
    let folder = tempfile::Builder::new().prefix("policy-").tempdir().unwrap();
    for object in city() {
        let file = folder.path().join(format!("{}.json", object.id().replace('/', "-")));
        std::fs::write(file, serde_json::to_vec_pretty(&object.value).unwrap()).unwrap();
    }
    let mut command = Command::new(checkov);
    command.args(["--framework", "kubernetes", "--skip-download", "--compact", "--quiet", "--output", "json"]);
    command.args(["--config-file".as_ref(), root().join("k8s/checkov.yaml").as_os_str()]);
    let told = command.arg("--directory").arg(folder.path()).env("LOG_LEVEL", "ERROR").output().unwrap();
    let report: Value = serde_json::from_slice(&told.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&told.stderr)));
    println!("{}", report["summary"]);
    assert_eq!(report["summary"]["failed"], 0, "{report:#}");
    assert!(report["summary"]["passed"].as_u64().unwrap() > 400, "{}", report["summary"]);
}
