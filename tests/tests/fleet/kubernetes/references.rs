//! References that lead nowhere: what no schema sees. Every name, key, port and selector in the files is followed to what it
//! names, inside the files or in the table of k8s/README.md.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Value, json};
use tests::{
    manifests::{Object, list, selects, text},
    root,
};

/// What comes from outside: kind and name, and what the table says it holds.
type Outside = BTreeMap<(String, String), String>;

fn outside() -> Outside {
    let readme = std::fs::read_to_string(root().join("k8s/README.md")).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let [kind, name, holds] = cells.as_slice() else { return None };
        (*kind != "kind").then(|| (((*kind).to_owned(), (*name).to_owned()), (*holds).to_owned()))
    };
    let rows: Outside = readme.lines().filter_map(row).collect();
    assert!(rows.len() > 15, "the table of k8s/README.md was not found: {rows:?}");
    rows
}

/// Objects being followed.
struct Walk<'a> {
    objects: &'a [Object],
    outside: &'a Outside,
    used: RefCell<BTreeSet<(String, String)>>,
    found: RefCell<Vec<String>>,
}

impl Walk<'_> {
    fn say(&self, who: &Object, what: &str) {
        self.found.borrow_mut().push(format!("{}: {what}", who.id()));
    }

    /// Follows a name, and a key in what it names.
    fn wants(&self, who: &Object, kind: &str, name: &str, key: Option<&str>) {
        let id = (kind.to_owned(), name.to_owned());
        self.used.borrow_mut().insert(id.clone());
        if let Some(object) = self.objects.iter().find(|o| o.kind() == kind && o.name() == name) {
            if key.is_some_and(|key| object.value["data"][key].is_null()) {
                self.say(who, &format!("{kind}/{name} has no {}", key.unwrap_or_default()));
            }
        } else if let Some(holds) = self.outside.get(&id) {
            if key.is_some_and(|key| !holds.contains(&format!("`{key}`"))) {
                self.say(who, &format!("{kind}/{name} from outside has no {}", key.unwrap_or_default()));
            }
        } else {
            self.say(who, &format!("{kind}/{name} is nowhere"));
        }
    }

    fn pods(&self) -> impl Iterator<Item = &Value> {
        self.objects.iter().filter_map(Object::pod)
    }

    /// The pods a selector selects; says so when there are none.
    fn selected(&self, who: &Object, selector: &Value) -> Vec<&Value> {
        let pods: Vec<&Value> = self.pods().filter(|pod| selects(selector, &pod["metadata"]["labels"])).collect();
        if pods.is_empty() {
            self.say(who, &format!("{selector} selects no pod"));
        }
        pods
    }

    /// Whether these pods all listen on a port, by name or number.
    fn port(&self, who: &Object, pods: &[&Value], port: &Value) {
        let listens = |pod: &&Value| {
            let containers = list(&pod["spec"]["containers"]).iter();
            containers.flat_map(|c| list(&c["ports"])).any(|p| p["name"] == *port || p["containerPort"] == *port)
        };
        if !pods.iter().all(listens) {
            self.say(who, &format!("nobody listens on port {port}"));
        }
    }

    fn pod(&self, who: &Object, pod: &Value) {
        let spec = &pod["spec"];
        self.wants(who, "ServiceAccount", text(&spec["serviceAccountName"]), None);
        let selector = &who.value["spec"]["selector"];
        if !selector.is_null() && !selects(selector, &pod["metadata"]["labels"]) {
            self.say(who, "does not select its own pods");
        }
        for spread in list(&spec["topologySpreadConstraints"]) {
            self.selected(who, &spread["labelSelector"]);
        }
        let volumes: BTreeSet<&str> = list(&spec["volumes"]).iter().map(|volume| text(&volume["name"])).collect();
        let mut mounted = BTreeSet::new();
        for container in list(&spec["containers"]) {
            for source in list(&container["envFrom"]) {
                self.source(who, source);
            }
            for variable in list(&container["env"]) {
                let from = &variable["valueFrom"];
                for (kind, reference) in [("ConfigMap", &from["configMapKeyRef"]), ("Secret", &from["secretKeyRef"])] {
                    if reference.is_object() {
                        let key = (reference["optional"] != true).then(|| text(&reference["key"]));
                        self.wants(who, kind, text(&reference["name"]), key);
                    }
                }
            }
            for mount in list(&container["volumeMounts"]) {
                let name = text(&mount["name"]);
                mounted.insert(name);
                if !volumes.contains(name) {
                    self.say(who, &format!("mounts {name}, which is no volume"));
                }
            }
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                for kind in ["grpc", "httpGet", "tcpSocket"] {
                    let port = &container[probe][kind]["port"];
                    if !port.is_null() {
                        self.port(who, &[pod], port);
                    }
                }
            }
        }
        for volume in list(&spec["volumes"]) {
            if !mounted.contains(text(&volume["name"])) {
                self.say(who, &format!("volume {} is not mounted", volume["name"]));
            }
            let claim = &volume["persistentVolumeClaim"]["claimName"];
            if !claim.is_null() {
                self.wants(who, "PersistentVolumeClaim", text(claim), None);
            }
            for source in list(&volume["projected"]["sources"]).iter().chain([volume]) {
                self.source(who, source);
            }
        }
    }

    /// A ConfigMap or Secret as a whole, or some of its keys.
    fn source(&self, who: &Object, source: &Value) {
        for (kind, member) in
            [("ConfigMap", "configMapRef"), ("Secret", "secretRef"), ("ConfigMap", "configMap"), ("Secret", "secret")]
        {
            let reference = &source[member];
            let name = [&reference["name"], &reference["secretName"]].into_iter().find_map(Value::as_str);
            let Some(name) = name else { continue };
            self.wants(who, kind, name, None);
            for item in list(&reference["items"]) {
                self.wants(who, kind, name, Some(text(&item["key"])));
            }
        }
    }

    fn policy(&self, who: &Object) {
        let spec = &who.value["spec"];
        let own = self.selected(who, &spec["podSelector"]);
        for (direction, end) in [("ingress", "from"), ("egress", "to")] {
            for rule in list(&spec[direction]) {
                let mut far = Vec::new();
                for peer in list(&rule[end]) {
                    if peer["namespaceSelector"].is_null() {
                        far.extend(self.selected(who, &peer["podSelector"]));
                        continue;
                    }
                    let name = text(&peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]);
                    self.wants(who, "Namespace", name, None);
                    let holds = self.outside.get(&("Namespace".to_owned(), name.to_owned()));
                    for (label, value) in peer["podSelector"]["matchLabels"].as_object().into_iter().flatten() {
                        let pods = format!("`{label}: {}`", text(value));
                        if !holds.is_some_and(|holds| holds.contains(&pods)) {
                            self.say(who, &format!("no pods {pods} in namespace {name}"));
                        }
                    }
                }
                let listeners = if direction == "ingress" { &own } else { &far };
                for port in list(&rule["ports"]) {
                    self.port(who, listeners, &port["port"]);
                }
            }
        }
    }

    fn service_port(&self, who: &Object, backend: &Value) {
        let name = text(&backend["name"]);
        self.wants(who, "Service", name, None);
        let service = self.objects.iter().find(|o| o.kind() == "Service" && o.name() == name);
        let ports = service.map(|service| list(&service.value["spec"]["ports"])).unwrap_or_default();
        let (by_name, by_number) = (&backend["port"]["name"], &backend["port"]["number"]);
        if !ports.iter().any(|p| (p["name"] == *by_name && !by_name.is_null()) || p["port"] == *by_number) {
            self.say(who, &format!("Service/{name} has no port {}", backend["port"]));
        }
    }

    fn object(&self, who: &Object) {
        if let Some(pod) = who.pod() {
            self.pod(who, pod);
        }
        let spec = &who.value["spec"];
        match who.kind() {
            "Service" => {
                let pods = self.selected(who, &json!({"matchLabels": spec["selector"]}));
                for port in list(&spec["ports"]) {
                    self.port(who, &pods, &port["targetPort"]);
                }
            }
            "PodDisruptionBudget" => drop(self.selected(who, &spec["selector"])),
            "NetworkPolicy" => self.policy(who),
            "Ingress" => {
                for tls in list(&spec["tls"]) {
                    self.wants(who, "Secret", text(&tls["secretName"]), None);
                }
                for path in list(&spec["rules"]).iter().flat_map(|rule| list(&rule["http"]["paths"])) {
                    self.service_port(who, &path["backend"]["service"]);
                }
            }
            "Namespace" => return,
            _ => {}
        }
        self.wants(who, "Namespace", text(&who.value["metadata"]["namespace"]), None);
    }
}

/// Everything that leads nowhere, and everything nobody refers to.
fn dangling(objects: &[Object], outside: &Outside) -> Vec<String> {
    let walk = Walk { objects, outside, used: RefCell::default(), found: RefCell::default() };
    let mut ids = BTreeSet::new();
    for object in objects {
        walk.object(object);
        if !ids.insert(object.id()) {
            walk.say(object, "stands there twice");
        }
    }
    let used = walk.used.take();
    for object in
        objects.iter().filter(|o| ["ConfigMap", "ServiceAccount", "PersistentVolumeClaim"].contains(&o.kind()))
    {
        if !used.contains(&(object.kind().to_owned(), object.name().to_owned())) {
            walk.say(object, "nobody refers to it");
        }
    }
    let mut found = walk.found.take();
    let unused = outside.keys().filter(|id| !used.contains(*id));
    found.extend(unused.map(|(kind, name)| format!("k8s/README.md: {kind}/{name}: nobody refers to it")));
    found
}

/// An object with one value changed.
pub fn with(object: &Object, pointer: &str, value: Value) -> Object {
    let mut changed = object.clone();
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = changed.value.pointer_mut(parent).unwrap_or_else(|| panic!("{} has no {parent}", object.id()));
    match parent {
        Value::Array(values) => values[last.parse::<usize>().unwrap()] = value,
        Value::Object(values) => drop(values.insert(last.replace("~1", "/"), value)),
        other => panic!("{other} has no members"),
    }
    changed
}

#[test]
fn every_reference_leads_somewhere_and_everything_from_outside_is_in_the_table() {
    let (base, city, outside) = (super::base(), super::city(), outside());
    assert_eq!(dangling(&city, &outside), [""; 0]);
    // The base alone lacks what the overlay brings, and nothing else.
    let of_overlay = "k8s/README.md: Secret/qingtian-tls: nobody refers to it";
    assert_eq!(dangling(&base, &outside), [of_overlay]);
}

#[test]
fn a_reference_that_leads_nowhere_is_told() {
    let (city, outside) = (super::city(), outside());
    let container = "/spec/template/spec/containers/0";
    let name = "app.kubernetes.io~1name";
    for (id, pointer, value, told) in [
        ("Service/draws", format!("/spec/selector/{name}"), json!("drawz"), "Service/draws: "),
        ("Service/draws", "/spec/ports/0/targetPort".to_owned(), json!("rpc"), "port \"rpc\""),
        ("Service/gateway", "/spec/ports/0/name".to_owned(), json!("web"), "Service/gateway has no port"),
        (
            "Deployment/draws",
            "/spec/template/spec/serviceAccountName".to_owned(),
            json!("draw"),
            "ServiceAccount/draw is",
        ),
        ("Deployment/draws", format!("/spec/template/metadata/labels/{name}"), json!("drawz"), "its own pods"),
        (
            "Deployment/draws",
            format!("{container}/envFrom/0/configMapRef/name"),
            json!("qt"),
            "ConfigMap/qt is nowhere",
        ),
        (
            "Deployment/draws",
            format!("{container}/env/0/valueFrom/configMapKeyRef/key"),
            json!("DATABASE"),
            "ConfigMap/qingtian-site has no DATABASE",
        ),
        (
            "Deployment/draws",
            format!("{container}/env/1/valueFrom/secretKeyRef/name"),
            json!("qingtian-database-drawz"),
            "Secret/qingtian-database-drawz is nowhere",
        ),
        (
            "Deployment/draws",
            format!("{container}/env/1/valueFrom/secretKeyRef/key"),
            json!("passwd"),
            "Secret/qingtian-database-draws from outside has no passwd",
        ),
        ("Deployment/draws", format!("{container}/readinessProbe/grpc/port"), json!(50052), "port 50052"),
        ("Deployment/gateway", format!("{container}/livenessProbe/httpGet/port"), json!("web"), "port \"web\""),
        (
            "Deployment/draws",
            format!("{container}/volumeMounts/0/name"),
            json!("key"),
            "mounts key, which is no volume",
        ),
        (
            "Deployment/draws",
            format!("{container}/volumeMounts/1/name"),
            json!("keys"),
            "volume \"tmp\" is not mounted",
        ),
        (
            "Deployment/draws",
            "/spec/template/spec/volumes/0/projected/sources/1/secret/items/0/key".to_owned(),
            json!("portal.token.key"),
            "Secret/qingtian-keys-draws from outside has no portal.token.key",
        ),
        (
            "Deployment/portal",
            "/spec/template/spec/volumes/2/persistentVolumeClaim/claimName".to_owned(),
            json!("blob"),
            "PersistentVolumeClaim/blob is nowhere",
        ),
        ("PodDisruptionBudget/draws", format!("/spec/selector/matchLabels/{name}"), json!("x"), "selects no pod"),
        ("NetworkPolicy/draws", format!("/spec/podSelector/matchLabels/{name}"), json!("x"), "selects no pod"),
        (
            "NetworkPolicy/draws",
            format!("/spec/ingress/0/from/0/podSelector/matchLabels/{name}"),
            json!("gate"),
            "selects no pod",
        ),
        ("NetworkPolicy/draws", "/spec/ingress/0/ports/0/port".to_owned(), json!("http"), "port \"http\""),
        ("NetworkPolicy/draws", "/spec/egress/0/ports/0/port".to_owned(), json!(50052), "port 50052"),
        (
            "NetworkPolicy/draws",
            format!("/spec/egress/1/to/0/podSelector/matchLabels/{name}"),
            json!("mysql"),
            "no pods `app.kubernetes.io/name: mysql` in namespace qingtian-data",
        ),
        (
            "NetworkPolicy/gateway",
            "/spec/ingress/0/from/0/namespaceSelector/matchLabels/kubernetes.io~1metadata.name".to_owned(),
            json!("traefik"),
            "Namespace/traefik is nowhere",
        ),
        ("Service/gateway-front", "/spec/ports/0/targetPort".to_owned(), json!("grpc"), "port \"grpc\""),
        (
            "Deployment/gateway",
            "/spec/template/spec/volumes/1/secret/secretName".to_owned(),
            json!("front"),
            "Secret/front is nowhere",
        ),
        (
            "Deployment/gateway",
            "/spec/template/spec/volumes/1/secret/items/1/key".to_owned(),
            json!("key.pem"),
            "Secret/qingtian-front from outside has no key.pem",
        ),
        ("NetworkPolicy/gateway", "/spec/ingress/1/ports/0/port".to_owned(), json!("https"), "port \"https\""),
        ("Ingress/qingtian", "/spec/tls/0/secretName".to_owned(), json!("tls"), "Secret/tls is nowhere"),
        (
            "Ingress/qingtian",
            "/spec/rules/0/http/paths/0/backend/service/name".to_owned(),
            json!("web"),
            "Service/web is nowhere",
        ),
        (
            "ServiceAccount/draws",
            "/metadata/name".to_owned(),
            json!("drawz"),
            "ServiceAccount/drawz: nobody refers to it",
        ),
        ("Deployment/draws", "/metadata/namespace".to_owned(), json!("default"), "Namespace/default is nowhere"),
    ] {
        let changed: Vec<Object> = city
            .iter()
            .map(|object| if object.id() == id { with(object, &pointer, value.clone()) } else { object.clone() })
            .collect();
        let found = dangling(&changed, &outside);
        assert!(found.iter().any(|line| line.contains(told)), "{id} {pointer}: not told: {found:?}");
    }
}
