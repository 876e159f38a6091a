//! The parts come up with what their files give them and nothing else: arguments, environment, keys, and the peers their network
//! policies let them reach. So a variable misspelt, a key not mounted or a call not allowed is noticed here and not in a cluster.

use std::{collections::BTreeMap, path::Path, process::Command};

use kit::{health, testing::until};
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    manifests::{Object, list, text},
    process::{Process, binary, free_port},
};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::{base, others, parts};
use crate::telling::found_department;

/// Variables that libraries read, and no option of ours.
const OF_LIBRARIES: [&str; 2] = ["PGPASSWORD", "OTEL_EXPORTER_OTLP_ENDPOINT"];

/// One process as it is written down.
pub struct Written {
    /// Part.
    pub name: String,
    /// Arguments.
    pub arguments: Vec<String>,
    /// Names of its variables, with the values that stand there; none for those that come from outside.
    pub environment: BTreeMap<String, Option<String>>,
    /// Files of its folder of keys.
    pub keys: Vec<String>,
    /// Parts it may reach.
    pub peers: Vec<String>,
    /// Paths it finds certificate and key of departments' port at.
    pub front_files: Vec<String>,
    /// Whether it is given the objects that draws and portal share.
    pub shares_blobs: bool,
}

/// Names of variables that `serve` reads, as its help says.
fn known_variables() -> Vec<String> {
    let help = Command::new(binary()).args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    help.split("[env: ").skip(1).filter_map(|rest| rest.split('=').next()).map(str::to_owned).collect()
}

/// Stops a city's processes and starts each part as it is written, in their place; then the city works.
pub async fn works_as_written(city: &mut City, parts: &[Written]) {
    city.stop().await;
    let known = known_variables();
    let of_city: BTreeMap<String, String> = city.environment.iter().cloned().collect();
    let folder = city.folder.path().to_owned();
    let nothing = folder.join("nothing");
    let front = free_port();
    std::fs::create_dir_all(&nothing).unwrap();
    let metrics: BTreeMap<&str, u16> = parts.iter().map(|part| (part.name.as_str(), free_port())).collect();
    for part in parts {
        let keys = folder.join(format!("keys-{}", part.name));
        std::fs::create_dir_all(&keys).unwrap();
        for file in &part.keys {
            std::fs::copy(Path::new(&of_city["QINGTIAN_KEYS"]).join(file), keys.join(file)).unwrap();
        }
        let address = |service: &str| of_city[&format!("PEER_URL_{}", service.to_uppercase())].clone();
        let mut environment = Vec::new();
        for (name, value) in &part.environment {
            assert!(
                known.contains(name) || OF_LIBRARIES.contains(&name.as_str()),
                "{}: nothing reads {name}",
                part.name
            );
            let here = match name.as_str() {
                "DATABASE_URL" | "MIGRATE_DATABASE_URL" | "REDIS_URL" | "HTTP_ADDR" => of_city[name].clone(),
                "PUBLIC_URL" => city.url.clone(),
                "QINGTIAN_KEYS" => keys.display().to_string(),
                "QINGTIAN_BLOBS" if part.shares_blobs => of_city[name].clone(),
                "QINGTIAN_BLOBS" => nothing.display().to_string(),
                "METRICS_ADDR" => format!("127.0.0.1:{}", metrics[part.name.as_str()]),
                "GRPC_ADDR" if part.name == "gateway" => format!("127.0.0.1:{}", free_port()),
                "GRPC_ADDR" => address(&part.name).trim_start_matches("http://").to_owned(),
                // Whom it may not reach, it finds nobody at.
                "PEER_URL" => "http://127.0.0.1:1".to_owned(),
                "FRONT_ADDR" => format!("127.0.0.1:{front}"),
                "FRONT_CERTIFICATE" | "FRONT_KEY" => {
                    assert!(part.front_files.contains(value.as_ref().unwrap()), "{name}: nobody mounts {value:?}");
                    of_city[name].clone()
                }
                "OTEL_EXPORTER_OTLP_ENDPOINT" => continue,
                _ => value.clone().unwrap_or_else(|| "from outside".to_owned()),
            };
            environment.push((name.clone(), here));
        }
        for peer in &part.peers {
            environment.push((format!("PEER_URL_{}", peer.to_uppercase()), address(peer)));
        }
        let arguments: Vec<&str> = part.arguments.iter().map(String::as_str).collect();
        let process = Process::start(&part.name, city.log(&format!("written-{}", part.name)), &arguments, &environment);
        city.processes().push(process);
    }
    let url = city.url.clone();
    for (nth, part) in parts.iter().enumerate() {
        if part.name == "gateway" {
            city.processes()[nth].ready(&url).await;
        } else {
            let grpc = city.grpc_of(&part.name).to_owned();
            city.processes()[nth].serving(&grpc).await;
            let channel = Endpoint::from_shared(grpc).unwrap().connect_lazy();
            assert!(health::serves(channel, health::LIVENESS).await, "{}: the liveness probe's name", part.name);
        }
        let told = tests::web::Web::anonymous(&format!("http://127.0.0.1:{}", metrics[part.name.as_str()]));
        assert!(told.get("/metrics").await.status.is_success(), "{}: no metrics", part.name);
    }
    let authority = std::fs::read(city.authority()).unwrap();
    let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority));
    let program = Endpoint::from_shared(format!("https://localhost:{front}")).unwrap().tls_config(tls).unwrap();
    let program = program.connect_lazy();
    let draws = "qingtian.draws.v1.Draws";
    until("departments' programs reach a part", async || health::serves(program.clone(), draws).await).await;

    // An organisation and an item reach everybody who follows, and a public page.
    let department = found_department(city, "written", "410202").await;
    department.publish_items("事项.csv", crate::faults::items_csv()).await;
    let register = crate::story::small_register(410_202, 60);
    department.upload_register("名录.csv", register, &["key=code", "title=name"], "410202").await;
    let draft = department.draft("按清单起动", &department.items().await, 100_000);
    // Draws knows the officers and the items, so it has followed identity and catalog.
    let plan = department.publish_plan(draft).await;
    let public = city.anonymous();
    let shown = |plans: &Value| list(&plans["plans"]).iter().any(|shown| shown["plan"]["name"] == json!(plan));
    public.until("/v1/public/plans?pageSize=100", "the plan", shown).await;
    // What draws wrote to the shared objects, portal reads.
    let draws = public.get("/v1/public/draws").await.ok();
    let draw = text(&list(&draws["draws"]).iter().find(|draw| draw["evidenceSize"] != "0").unwrap()["name"]).to_owned();
    assert!(public.get(&format!("/v1/public/{draw}/evidence")).await.status.is_success());
}

/// What a Deployment says.
fn written(deployment: &Object, objects: &[Object]) -> Written {
    let name = deployment.name();
    let spec = &deployment.value["spec"]["template"]["spec"];
    let container = &spec["containers"][0];
    let mut environment = BTreeMap::new();
    for source in list(&container["envFrom"]) {
        let map = objects.iter().find(|o| o.kind() == "ConfigMap" && o.name() == text(&source["configMapRef"]["name"]));
        for (name, value) in map.unwrap().value["data"].as_object().unwrap() {
            environment.insert(name.clone(), Some(text(value).to_owned()));
        }
    }
    for variable in list(&container["env"]) {
        environment.insert(text(&variable["name"]).to_owned(), variable["value"].as_str().map(str::to_owned));
    }
    let volume = |name: &str| list(&spec["volumes"]).iter().find(|volume| volume["name"] == name).unwrap();
    let sources = list(&volume("keys")["projected"]["sources"]).iter();
    let items = sources.flat_map(|source| [&source["configMap"], &source["secret"]]).flat_map(|s| list(&s["items"]));
    let policy = objects.iter().find(|o| o.id() == format!("NetworkPolicy/{name}")).unwrap();
    Written {
        name: name.to_owned(),
        arguments: list(&container["args"]).iter().map(|argument| text(argument).to_owned()).collect(),
        environment,
        keys: items.map(|item| text(&item["path"]).to_owned()).collect(),
        peers: others(policy, "egress", "to").into_iter().map(str::to_owned).collect(),
        front_files: mounted(spec),
        shares_blobs: volume("blobs")["persistentVolumeClaim"].is_object(),
    }
}

/// Paths of the files that a pod's Secrets are mounted as.
fn mounted(spec: &Value) -> Vec<String> {
    let mut files = Vec::new();
    for volume in list(&spec["volumes"]) {
        let mounts = list(&spec["containers"][0]["volumeMounts"]);
        let mount = mounts.iter().find(|mount| mount["name"] == volume["name"]).unwrap();
        let items = list(&volume["secret"]["items"]).iter();
        files.extend(items.map(|item| format!("{}/{}", text(&mount["mountPath"]), text(&item["path"]))));
    }
    files
}

#[tokio::test]
async fn kubernetes_parts_come_up_with_just_what_their_files_give_them() {
    let objects = base();
    let deployment = |part: &str| objects.iter().find(|o| o.id() == format!("Deployment/{part}")).unwrap();
    let all: Vec<Written> = parts().map(|part| written(deployment(part), &objects)).collect();
    let mut city = City::start(Layout::Many).await;
    works_as_written(&mut city, &all).await;
    city.stop().await;
}

/// A Secret of the table holds what `qingtian keys` makes for its part: nothing that does not exist is asked for.
#[test]
fn every_key_that_is_mounted_is_one_that_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    assert!(Command::new(binary()).arg("keys").arg(&keys).status().unwrap().success());
    let objects = base();
    for part in parts() {
        let deployment = objects.iter().find(|o| o.id() == format!("Deployment/{part}")).unwrap();
        let mounted = written(deployment, &objects).keys;
        assert!(mounted.len() > 1);
        for file in mounted {
            assert!(keys.join(&file).exists(), "{part}: nobody makes {file}");
            assert!(file == "public.json" || file.starts_with(&format!("{part}.")), "{part} is given {file}");
        }
    }
}
