//! `deploy/compose.yaml`: one machine, one process for each part. Valid by the specification's schema, nothing refers to nowhere, as
//! hard as the pods are, and the parts come up as it is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use kit::embedded::{Options, Postgres};
use qingtian::fleet::{GATEWAY, SERVICES};
use serde_json::{Value, json};
use tests::{
    city::{City, Layout},
    manifests::{documents, list, text},
    process::binary,
    root,
};

use crate::kubernetes::written::{Written, works_as_written};

fn compose() -> Value {
    documents(&root().join("deploy/compose.yaml")).remove(0)
}

fn services(compose: &Value) -> impl Iterator<Item = (&str, &Value)> {
    compose["services"].as_object().unwrap().iter().map(|(name, service)| (name.as_str(), service))
}

fn parts() -> impl Iterator<Item = &'static str> {
    SERVICES.into_iter().chain([GATEWAY])
}

/// Names that a service gives to something else: its networks, and whom it waits for.
fn names(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(members) => members.keys().map(String::as_str).collect(),
        _ => list(value).iter().map(text).collect(),
    }
}

/// Files and folders beside the compose file that `deploy/prepare.sh` makes for this user, and those of the repository.
fn is_there(prepared: &Path, path: &str) -> bool {
    let path = path.trim_start_matches("./");
    prepared.join(path).exists() || root().join("deploy").join(path).exists()
}

fn dangling(compose: &Value, prepared: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut used = BTreeSet::new();
    let mut say = |who: &str, what: String| found.push(format!("{who}: {what}"));
    for (name, service) in services(compose) {
        for network in names(&service["networks"]) {
            used.insert(network);
            if compose["networks"][network].is_null() {
                say(name, format!("network {network} is nowhere"));
            }
        }
        for other in names(&service["depends_on"]) {
            if compose["services"][other].is_null() {
                say(name, format!("waits for {other}, which is no service"));
            }
        }
        for file in list(&service["env_file"]).iter().map(text) {
            if !is_there(prepared, file) {
                say(name, format!("{file} is nowhere"));
            }
        }
        for volume in list(&service["volumes"]).iter().map(text) {
            let source = volume.split(':').next().unwrap_or_default();
            used.insert(source);
            let there = if source.starts_with('.') {
                is_there(prepared, source)
            } else {
                compose["volumes"].get(source).is_some()
            };
            if !there {
                say(name, format!("volume {source} is nowhere"));
            }
        }
    }
    for kind in ["networks", "volumes"] {
        for name in names(&compose[kind]).into_iter().filter(|name| !used.contains(name)) {
            found.push(format!("{kind}: nobody uses {name}"));
        }
    }
    found
}

/// A folder as `deploy/prepare.sh` leaves it, with the repository's scripts.
fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("deploy/prepare.sh"), folder.path().join("prepare.sh")).unwrap();
    let prepare = || {
        let mut command = Command::new("sh");
        command.arg(folder.path().join("prepare.sh")).arg("https://qingtian.example").arg(binary());
        let told = command.output().unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    };
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    let all = [
        "secrets/database.env",
        "secrets/draws.env",
        "secrets/all-keys/public.json",
        "secrets/keys/draws/draws.seal.secret",
        ".env",
    ];
    prepare();
    let before = all.map(read);
    prepare();
    assert_eq!(before, all.map(read), "what is there stays");
    assert!(!read(".env").contains("FRONT_ADDR"), "without a certificate there is no port for programs");
    for file in ["certificate.pem", "key.pem"] {
        std::fs::write(folder.path().join("secrets/tls").join(file), "from outside").unwrap();
    }
    prepare();
    prepare();
    assert_eq!(read(".env").matches("FRONT_ADDR=0.0.0.0:50443\n").count(), 1);
    assert_eq!(read("secrets/tls/key.pem"), "from outside");
    folder
}

#[test]
fn compose_is_valid_by_the_specification() {
    let checker = root().join("var/tools/venv/bin/check-jsonschema");
    assert!(checker.exists(), "{} is missing; scripts/install.sh --tests makes it", checker.display());
    let check = |file: &Path| {
        Command::new(&checker).args(["--builtin-schema", "vendor.compose-spec"]).arg(file).output().unwrap()
    };
    let told = check(&root().join("deploy/compose.yaml"));
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stdout));
    let mut wrong = compose();
    wrong["services"]["draws"]["imagee"] = json!("x");
    let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    std::fs::write(file.path(), wrong.to_string()).unwrap();
    assert!(!check(file.path()).status.success());
}

#[test]
fn compose_refers_to_nothing_that_is_not_there() {
    let (compose, prepared) = (compose(), prepared());
    assert_eq!(dangling(&compose, prepared.path()), [""; 0]);
    for (pointer, value, told) in [
        ("/services/draws/networks/0", json!("fleed"), "network fleed is nowhere"),
        ("/services/draws/env_file/0", json!("secrets/drawz.env"), "secrets/drawz.env is nowhere"),
        ("/services/draws/volumes/1", json!("./data/blob:/blobs"), "volume ./data/blob is nowhere"),
        ("/services/database/volumes/0", json!("db:/x"), "volume db is nowhere"),
        ("/services/gateway/depends_on/0", json!("rediz"), "waits for rediz"),
    ] {
        let mut changed = compose.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        let found = dangling(&changed, prepared.path());
        assert!(found.iter().any(|line| line.contains(told)), "{pointer}: {found:?}");
    }
}

#[test]
fn compose_gives_every_part_a_process_as_hard_as_a_pod() {
    let compose = compose();
    for part in parts() {
        let service = &compose["services"][part];
        assert_eq!(service["command"], json!(["serve", part]), "{part} has no service");
        for (member, wanted) in [
            ("read_only", json!(true)),
            ("cap_drop", json!(["ALL"])),
            ("security_opt", json!(["no-new-privileges:true"])),
            ("user", json!("${QINGTIAN_USER:?run deploy/prepare.sh}")),
            ("image", json!(format!("${{QINGTIAN_IMAGE:-localhost/qingtian:{}}}", env!("CARGO_PKG_VERSION")))),
        ] {
            assert_eq!(service[member], wanted, "{part}: {member}");
        }
        assert!(service["mem_limit"].is_string() && service["pids_limit"].is_number(), "{part} has no edge");
        let published = !service["ports"].is_null();
        assert_eq!(published, part == GATEWAY, "the gateway is the only door");
        let reaches_data = names(&service["networks"]).contains(&"data");
        assert_eq!(reaches_data, part != GATEWAY, "{part}: who has a database reaches it");
    }
    for (name, service) in services(&compose) {
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]), "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        for secret in service["environment"].as_object().into_iter().flatten().map(|(name, _)| name) {
            assert!(!secret.contains("PASSWORD"), "{name}: {secret} belongs into secrets/");
        }
    }
}

/// PostgreSQL's own image runs `roles.sh`; then `databases` and `migrate` find what they need.
#[tokio::test]
async fn compose_databases_are_made_with_passwords_for_every_role() {
    let prepared = prepared();
    let read = |name: &str| -> BTreeMap<String, String> {
        let content = std::fs::read_to_string(prepared.path().join("secrets").join(name)).unwrap();
        content.lines().filter_map(|line| line.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    };
    let passwords = read("database.env");
    let postgres = Postgres::start_temporary(&Options::throwaway(40)).await.unwrap();
    let roles = |passwords: &BTreeMap<String, String>| {
        let mut command = Command::new("sh");
        let path = format!("{}:{}", psql_folder().display(), std::env::var("PATH").unwrap());
        command.arg(root().join("deploy/roles.sh")).env("PGHOST", postgres.sockets()).env("PATH", path);
        command.envs(passwords).output().unwrap()
    };
    let mut lacking = passwords.clone();
    lacking.remove("QINGTIAN_PORTAL_OWNER_PASSWORD").unwrap();
    lacking.remove("QINGTIAN_IDENTITY_PASSWORD").unwrap();
    let told = roles(&lacking);
    assert!(String::from_utf8_lossy(&told.stderr).contains("QINGTIAN_IDENTITY_PASSWORD is not set"), "{told:?}");
    let told = roles(&passwords);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));

    let run = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(arguments).env("ADMIN_DATABASE_URL", postgres.admin_url());
        command.env("DATABASE_URL", postgres.url("qingtian_{service}", "qingtian_{service}"));
        command.env("MIGRATE_DATABASE_URL", postgres.url("qingtian_{service}_owner", "qingtian_{service}"));
        let told = command.output().unwrap();
        assert!(told.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&told.stderr));
    };
    let compose = compose();
    for service in ["databases", "migrate"] {
        let command = list(&compose["services"][service]["command"]);
        run(&command.iter().map(text).collect::<Vec<_>>());
    }
    let pool = sqlx::PgPool::connect(postgres.admin_url()).await.unwrap();
    let sql = "select rolname from pg_authid where rolname like 'qingtian%' and rolpassword like 'SCRAM%' order by 1";
    let with_password: Vec<String> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
    let mut wanted: Vec<String> =
        SERVICES.iter().flat_map(|s| [format!("qingtian_{s}"), format!("qingtian_{s}_owner")]).collect();
    wanted.sort();
    assert_eq!(with_password, wanted);
    pool.close().await;
    // Each part is given its own working role's password, migrations the owners', and none is another's.
    for service in SERVICES {
        let own = &read(&format!("{service}.env"))["PGPASSWORD"];
        assert_eq!(*own, passwords[&format!("QINGTIAN_{}_PASSWORD", service.to_uppercase())]);
        let owners = &passwords[&format!("QINGTIAN_{}_OWNER_PASSWORD", service.to_uppercase())];
        assert_eq!(*owners, read("migrate.env")["PGPASSWORD"]);
        assert_eq!(passwords.values().filter(|other| *other == own).count(), 1, "{service}");
    }
    postgres.stop().await.unwrap();
}

/// Where `psql` is: on the PATH, or beside the server's binaries.
fn psql_folder() -> std::path::PathBuf {
    let mut folders: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|folder| folder.join("psql").exists())
        .collect();
    folders.sort();
    folders.pop().unwrap_or_else(|| "/usr/bin".into())
}

/// Where a service finds the files that `deploy/prepare.sh` asks for.
fn front_files(service: &Value) -> Vec<String> {
    let mounted = list(&service["volumes"]).iter().find_map(|volume| text(volume).strip_prefix("./secrets/tls:"));
    let folder = mounted.and_then(|mounted| mounted.strip_suffix(":ro"));
    folder
        .map(|folder| ["certificate.pem", "key.pem"].map(|file| format!("{folder}/{file}")).into())
        .unwrap_or_default()
}

#[tokio::test]
async fn compose_parts_come_up_with_just_what_it_gives_them() {
    let compose = compose();
    let prepared = prepared();
    let written = |part: &str| {
        let service = &compose["services"][part];
        let environment = service["environment"].as_object().unwrap().iter();
        let networks = names(&service["networks"]);
        let shares_network =
            |other: &&str| names(&compose["services"][*other]["networks"]).iter().any(|n| networks.contains(n));
        Written {
            name: part.to_owned(),
            arguments: list(&service["command"]).iter().map(|argument| text(argument).to_owned()).collect(),
            environment: environment.map(|(name, value)| (name.clone(), Some(text(value).to_owned()))).collect(),
            keys: std::fs::read_dir(prepared.path().join("secrets/keys").join(part))
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect(),
            peers: SERVICES.into_iter().filter(shares_network).map(str::to_owned).collect(),
            front_files: front_files(service),
            shares_blobs: list(&service["volumes"]).iter().any(|v| text(v).starts_with("./data/blobs:/blobs")),
        }
    };
    let all: Vec<Written> = parts().map(written).collect();
    let mut city = City::start(Layout::Many).await;
    works_as_written(&mut city, &all).await;
    city.stop().await;
}
