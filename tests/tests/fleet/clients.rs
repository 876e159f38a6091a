//! Foreign clients: programs of departments in other languages, as they come with the contract's archive, over gRPC with TLS; and the
//! Rust client crate.

mod archive;

use std::path::{Path, PathBuf};

use client::{FileOf, Log, Qingtian, Settings, Stand};
use proto::{
    google::api::HttpBody,
    qingtian::{
        draws::v1::{
            GetSubjectRequest, ImportSubjectsRequest, ListSubjectsRequest, registers_client::RegistersClient,
            uploads_client::UploadsClient,
        },
        uploads::v1::{AppendUploadRequest, CreateUploadRequest, Upload, UploadState},
    },
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::city::{City, Layout};

use crate::story::small_register;

/// Rows that come in; one more is bad.
const ROWS: u32 = 1_234;

/// A city and a machine client of one department before its gRPC front.
struct Door {
    city: City,
    client: String,
    secret: String,
    register: PathBuf,
}

impl Door {
    async fn open() -> Self {
        let city = City::start(Layout::One).await;
        let operator = city.as_person("operator").await;
        let request = json!({"title": "部门业务系统", "organisation": "organisations/ecology"});
        let made = operator.post("/v1/machineClients", request).await.ok();
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let register = city.folder.path().join("register.csv");
        let mut file = small_register(410_202, ROWS);
        file.extend_from_slice("坏行,91350100M000100Y4X\n".as_bytes());
        std::fs::write(&register, file).unwrap();
        Self { client: text("name"), secret: text("secret"), register, city }
    }

    /// Runs a program with the arguments every example takes; answers what it prints.
    async fn run(&self, program: &Path, script: &Path) -> Value {
        let output = tokio::process::Command::new(program)
            .arg(script)
            .args([self.city.front().as_str(), &self.client, "organisations/ecology"])
            .arg(&self.register)
            .arg("--ca")
            .arg(self.city.authority())
            .arg("--demo")
            .env("QINGTIAN_CLIENT_SECRET", &self.secret)
            .kill_on_drop(true)
            .output()
            .await
            .unwrap_or_else(|e| panic!("{}: {e}; scripts/install.sh --tests makes it", program.display()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        println!("{told}");
        told
    }
}

/// What every example must have done.
fn did_it_all(told: &Value) {
    let counts = [&told["rows"], &told["created"], &told["returned"], &told["keys"]];
    assert_eq!(counts, [&json!(ROWS + 1), &json!(ROWS), &json!(1), &json!(ROWS)], "{told}");
    assert_eq!(told["tokens"], 1, "one token for all calls: {told}");
    let events: Vec<&str> = told["events"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for event in ["PlanPublished", "DrawStated", "EntryAdded", "DrawRevealed"] {
        let event = format!("qingtian.draws.events.v1.{event}");
        assert!(events.contains(&event.as_str()), "{event} is missing: {events:?}");
    }
    assert!(told["position"].as_i64().unwrap() >= events.len().try_into().unwrap(), "{told}");
    assert_eq!(told["hash"].as_str().unwrap().len(), 64, "{told}");
    assert_eq!(told["evidence_matches"], true, "{told}");
}

#[tokio::test]
async fn clients_a_python_program_streams_a_register_in_with_a_machine_clients_token() {
    let mut door = Door::open().await;
    let folder = tempfile::tempdir().unwrap();
    let contract = archive::unpacked(folder.path());
    let python = tests::root().join("var/tools/venv/bin/python");
    let told = door.run(&python, &contract.join("examples/python/department.py")).await;
    did_it_all(&told);
    assert_eq!(told["refused"], json!({"code": "NOT_FOUND", "reason": "NOT_FOUND", "article": "27"}));
    assert_eq!(told["wrong"], json!([]), "the draw comes out the same when it is recomputed");

    // By JSON the same client's token works as a bearer, without cookie or page token.
    let secret = json!({"client": door.client, "secret": door.secret});
    let token = door.city.anonymous().post("/v1/token:issue", secret).await.ok();
    let program = tests::web::Web::with_token(&door.city.url, token["token"].as_str().unwrap());
    let subjects = program.get("/v1/organisations/ecology/subjects?pageSize=1").await.ok();
    assert_eq!(subjects["totalSize"], ROWS.to_string());
    door.city.stop().await;
}

#[tokio::test]
async fn clients_a_typescript_program_streams_a_register_in_row_by_row() {
    let installed = tests::root().join("tests/clients/typescript/node_modules");
    assert!(installed.exists(), "{} is missing: `make test` installs it, or `npm ci` there", installed.display());
    let mut door = Door::open().await;
    let folder = tempfile::tempdir().unwrap();
    let example = archive::unpacked(folder.path()).join("examples/typescript");
    std::os::unix::fs::symlink(installed, example.join("node_modules")).unwrap();
    let built = tokio::process::Command::new("node").arg("build.mjs").current_dir(&example).output().await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(built.status.success(), "{}{}", text(&built.stdout), text(&built.stderr));
    let told = door.run(Path::new("node"), &example.join("dist/department.js")).await;
    did_it_all(&told);
    assert_eq!(told["refused"], json!({"code": 5, "reason": "NOT_FOUND", "article": "27"}));
    assert_eq!(told["verdict"], "verified", "{told}");
    assert!(told["checks"].as_u64().unwrap() > 10, "{told}");
    door.city.stop().await;
}

#[tokio::test]
async fn clients_the_rust_crate_pages_subscribes_and_outlives_a_restart() {
    let mut door = Door::open().await;
    let settings = |authorities: Option<Vec<u8>>| Settings {
        secret: door.secret.clone().into(),
        authorities,
        ..Settings::new(format!("https://{}", door.city.front()), door.client.clone())
    };
    let trusted = settings(Some(std::fs::read(door.city.authority()).unwrap()));
    let patient = client::Policy { attempts_max: 60, ..trusted.policy };
    let qingtian = Qingtian::connect(Settings { policy: patient, ..trusted.clone() }).unwrap();

    // An authority nobody told it of is not believed.
    let policy = client::Policy { attempts_max: 2, ..patient };
    let strange = Qingtian::connect(Settings { policy, ..settings(None) }).unwrap();
    let refused = strange.call(async |channel| list(channel, String::new(), 1).await).await.unwrap_err();
    let client::Error::Refused(status) = &refused else { panic!("{refused:?}") };
    assert_eq!(status.code(), tonic::Code::Unavailable, "{status:?}");

    // A wrong secret is refused as such, at once.
    let wrong = Settings { secret: "wrong".to_owned().into(), ..trusted };
    let wrong = Qingtian::connect(wrong).unwrap();
    let refused = wrong.call(async |channel| list(channel, String::new(), 1).await).await.unwrap_err();
    let client::Error::Refused(status) = &refused else { panic!("{refused:?}") };
    assert_eq!(kit::testing::refusal_of(status).0, "WRONG_PASSWORD", "{status:?}");

    let python = tests::root().join("var/tools/venv/bin/python");
    let script = tests::root().join("tests/clients/python/department.py");
    did_it_all(&door.run(&python, &script).await);
    let mut pages = qingtian.pages(async |channel, token| list(channel, token, 100).await);
    let first = pages.take(150).await.unwrap();
    assert_eq!(first.len(), 150);

    // The subscription stands in the middle of the log when the city stops, and goes on when it is back.
    let mut events = qingtian.follow(Log::Draws, Stand::default());
    let mut heard = Vec::new();
    while heard.len() < 3 {
        let step = events.next().await.unwrap();
        heard.extend(step.event.map(|_| step.stand));
    }
    door.city.stop().await;
    door.city.serve(&[]).await;
    let rest = pages.take(usize::MAX).await.unwrap();
    let mut keys: Vec<_> = first.into_iter().chain(rest).map(|subject| subject.key).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), usize::try_from(ROWS).unwrap(), "no row is lost or doubled by the restart");
    loop {
        let step = events.next().await.unwrap();
        if step.event.is_none() {
            break;
        }
        heard.push(step.stand);
    }
    assert!(heard.windows(2).all(|pair| pair[0].position < pair[1].position), "in order, each once: {heard:?}");
    // Who begins again in the middle hears the rest, and the rest alone.
    let mut again = qingtian.follow(Log::Draws, heard[2].clone());
    for stand in &heard[3..] {
        let step = again.next().await.unwrap();
        assert_eq!(&step.stand, stand);
    }
    // Who stands in another history is told so.
    let elsewhere = Stand { position: heard[2].position, hash: "0".repeat(64) };
    let diverged = qingtian.follow(Log::Draws, elsewhere).next().await.unwrap_err();
    let client::Error::Refused(status) = &diverged else { panic!("{diverged:?}") };
    assert_eq!(status.code(), tonic::Code::DataLoss, "{status:?}");

    // One subject, by its name.
    let name = format!("organisations/ecology/subjects/{}", keys[0]);
    let subject = qingtian
        .call(async |channel| {
            let request = GetSubjectRequest { name: name.clone() };
            Ok(RegistersClient::new(channel).get_subject(request).await?.into_inner())
        })
        .await
        .unwrap();
    assert_eq!(subject.key, keys[0]);
    sends_a_file_that_goes_on(&qingtian, door.city.folder.path()).await;
    door.city.stop().await;
}

/// A file of which another program has sent the beginning, in more than one call.
async fn sends_a_file_that_goes_on(qingtian: &Qingtian, folder: &Path) {
    let bytes = small_register(410_202, 130_000);
    assert!(bytes.len() > 4 << 20, "{} bytes go in one call", bytes.len());
    let parent = "organisations/ecology".to_owned();
    let announced = Upload {
        file_name: "register.csv".to_owned(),
        length: Some(bytes.len().try_into().unwrap()),
        sha256: hex::encode(Sha256::digest(&bytes)),
        ..Upload::default()
    };
    let request = CreateUploadRequest { parent: parent.clone(), upload: Some(announced), ..Default::default() };
    let upload = qingtian.open_upload(FileOf::Registers, request).await.unwrap();
    let begun = AppendUploadRequest {
        name: upload.name.clone(),
        file: Some(HttpBody { data: bytes[..100_000].to_vec(), ..HttpBody::default() }),
        ..Default::default()
    };
    let begun = qingtian.call(async |channel| {
        let chunks = futures::stream::iter([begun.clone()]);
        Ok(UploadsClient::new(channel).append_upload(chunks).await?.into_inner())
    });
    assert_eq!(begun.await.unwrap().offset, 100_000);

    let file = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.join(name), bytes).unwrap();
        std::fs::File::open(folder.join(name)).unwrap()
    };
    let short = file("short.csv", &bytes[..100_000]);
    let refused = qingtian.send_file(FileOf::Registers, &upload.name, short).await.unwrap_err();
    let client::Error::Refused(status) = &refused else { panic!("{refused:?}") };
    assert_eq!(status.code(), tonic::Code::FailedPrecondition, "{status:?}");
    // Another file of that length: its bytes are not kept, and the right one goes in from the beginning.
    let mut other = bytes.clone();
    *other.last_mut().unwrap() = b' ';
    let other = file("other.csv", &other);
    let refused = qingtian.send_file(FileOf::Registers, &upload.name, other).await.unwrap_err();
    let client::Error::Refused(status) = &refused else { panic!("{refused:?}") };
    assert_eq!(kit::testing::refusal_of(status).0, "UPLOAD_DIGEST", "{status:?}");
    for _ in 0..2 {
        let right = file("right.csv", &bytes);
        let sent = qingtian.send_file(FileOf::Registers, &upload.name, right).await.unwrap();
        assert_eq!((sent.state(), usize::try_from(sent.offset).unwrap()), (UploadState::Complete, bytes.len()));
    }
    let request = ImportSubjectsRequest {
        parent,
        columns: vec!["key=code".to_owned(), "title=name".to_owned()],
        default_district: "410202".to_owned(),
        upload: upload.name,
        ..Default::default()
    };
    let import = qingtian.call(async |channel| {
        let request = futures::stream::iter([request.clone()]);
        Ok(RegistersClient::new(channel).import_subjects(request).await?.into_inner())
    });
    assert_eq!(import.await.unwrap().rows, 130_000);
}

async fn list(
    channel: client::Authorised,
    page_token: String,
    page_size: i32,
) -> Result<(Vec<proto::qingtian::draws::v1::Subject>, String), tonic::Status> {
    let parent = "organisations/ecology".to_owned();
    let request = ListSubjectsRequest { parent, page_size, page_token, ..Default::default() };
    let page = RegistersClient::new(channel).list_subjects(request).await?.into_inner();
    Ok((page.subjects, page.next_page_token))
}
