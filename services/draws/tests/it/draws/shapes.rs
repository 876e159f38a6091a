//! Shapes of a draw (art. 15-18): experts, several units, specialties, withheld files, credit classes, unannounced visits, and
//! recusals that leave too few.

use std::collections::{BTreeMap, BTreeSet};

use lottery::verify::{Options, Report, Verdict};
use proto::qingtian::{
    access::v1::Role,
    draws::{
        events::v1 as events,
        v1::{self as pb, DrawState, PlanExceptionKind as Exception, quota::Amount},
    },
};
use sqlx::AssertSqlSafe;
use tonic::{Request, Status};

use super::{
    city::{BEACON, CLOSE, City, Draws, JUSTICE, beacon, department, enter, plan},
    log, read,
};
use crate::world::{HEALTH, LONGTING, MARKET, SHUNHE, code, excepting, reason, refused};

fn said(reason: &str, article: &str) -> (String, String) {
    (reason.to_owned(), article.to_owned())
}

/// What the owner of the tables writes, as other parts and registers would.
async fn owner(city: &City, sql: &str) {
    let pool = city.world.harness.owner_pool("draws").await.unwrap();
    sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&pool).await.unwrap();
}

async fn expert(city: &City, key: &str, districts: &[&str], specialty: &str) {
    let districts = districts.join(",");
    let sql = format!(
        "insert into expert (key, organisation, private, name_digest, employer, districts, specialties, revision, created_at,
             changed_at, changed_by, changed_what)
         values ('{key}', '{MARKET}', '\\x00', '{key}', '河南大学', '{{{districts}}}', '{{{specialty}}}', 1, now(), now(), 'users/clerk', 'made')"
    );
    owner(city, &sql).await;
}

/// 40 enterprises in class A, 20 each in B and C, and the rest without a class.
async fn classify(city: &City) {
    let mut keys: Vec<_> = (0..60).map(|serial| (code(LONGTING, serial), LONGTING, serial)).collect();
    keys.extend((60..100).map(|serial| (code(SHUNHE, serial), SHUNHE, serial)));
    keys.sort();
    let classes = [["A"; 40].as_slice(), &["B"; 20], &["C"; 20], &["未分类"; 20]].concat();
    let mut csv = "key,title,district,credit_class\n".to_owned();
    for ((key, district, serial), class) in keys.iter().zip(classes) {
        csv += &format!("{key},开封市第{serial}商贸有限公司,{district},{class}\n");
    }
    city.register(&csv).await;
}

async fn bundle(city: &City, draw: &pb::Draw) -> Vec<u8> {
    let digest = kit::blob::Digest::parse(&draw.evidence_digest).unwrap();
    city.world.harness.env.blobs.read(digest, 1 << 30).await.unwrap()
}

fn unpack(archive: &[u8]) -> BTreeMap<String, Vec<u8>> {
    lottery::bundle::read(archive).unwrap().files
}

async fn verify_with(city: &City, draw: &pb::Draw, with: BTreeMap<String, Vec<u8>>) -> Report {
    let jwks = city.world.harness.env.keys.jwks();
    let options = Options { jwks: Some(&jwks), demo: true, with };
    lottery::verify::verify(bundle(city, draw).await.as_slice(), &options)
}

fn failures(report: &Report) -> String {
    report.checks.iter().map(|one| format!("{one}\n")).collect()
}

/// An auditor of the city, and what they are sent.
async fn auditor(city: &City) -> Draws {
    city.draws("users/auditor", "organisations/audit", &[Role::Auditor]).await
}

async fn withheld(client: &mut Draws, draw: &str, purpose: &str) -> Result<Vec<u8>, Status> {
    let mut request = Request::new(pb::DownloadWithheldRequest { name: draw.to_owned() });
    if !purpose.is_empty() {
        request.metadata_mut().insert("x-purpose", purpose.parse().unwrap());
    }
    received(client.download_withheld(request).await?.into_inner()).await
}

async fn evidence(client: &mut Draws, draw: &str) -> Result<Vec<u8>, Status> {
    let request = pb::DownloadEvidenceRequest { name: draw.to_owned() };
    received(client.download_evidence(request).await?.into_inner()).await
}

async fn received(mut stream: tonic::Streaming<proto::google::api::HttpBody>) -> Result<Vec<u8>, Status> {
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await? {
        bytes.extend(piece.data);
    }
    Ok(bytes)
}

async fn drawn(client: &mut Draws, draw: &str) -> Result<Vec<pb::Drawn>, Status> {
    let request = pb::ListDrawnRequest { parent: draw.to_owned(), page_size: 1_000, ..Default::default() };
    Ok(client.list_drawn(request).await?.into_inner().drawn)
}

#[tokio::test]
async fn two_units_specialties_and_experts_are_drawn_and_the_evidence_holds() {
    let mut city = City::start().await;
    for certificate in ["16030001", "16030002", "16030003"] {
        city.world.officer(certificate, HEALTH, &[LONGTING, SHUNHE]).await;
    }
    let wanted = pb::Plan {
        teams: vec![
            pb::TeamPart { organisation: MARKET.to_owned(), size: 2, specialty: "food".to_owned() },
            pb::TeamPart { organisation: HEALTH.to_owned(), size: 1, specialty: String::new() },
        ],
        experts: Some(pb::ExpertPart { count: 1, specialty: "lab".to_owned() }),
        ..plan()
    };
    city.plan = city.publish(wanted).await;
    // Nobody is in the register of experts yet.
    let created = city.create(city.draw()).await.unwrap();
    assert_eq!(refused(city.state(&created).await), said("TOO_FEW_EXPERTS", "15"));
    for key in ["E-001", "E-002"] {
        expert(&city, key, &[LONGTING, SHUNHE], "lab").await;
    }
    expert(&city, "E-003", &[LONGTING], "lab").await;
    // One more than is needed, so that each may recuse themselves from one enterprise.
    expert(&city, "E-004", &[SHUNHE], "lab").await;
    let subject = code(LONGTING, 1);
    let sql = format!(
        "insert into conflict (id, organisation, officer, subject, reason, creator, created_at, holder)
         values ('c1', '{MARKET}', 'E-001', '{subject}', '顾问', 'users/clerk', now(), 'experts/E-001')"
    );
    owner(&city, &sql).await;
    let stated = city.state(&created).await.unwrap();
    let rules: serde_json::Value = serde_json::from_str(&stated.rules_json).unwrap();
    assert_eq!(rules["experts"], serde_json::json!({"count": 1, "specialty": "lab"}));
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    let report = city.verify(&done).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", failures(&report));

    let rows = drawn(&mut city.handler().await, &done.name).await.unwrap();
    assert_eq!(rows.len(), 10);
    for row in &rows {
        assert_eq!((row.officers.len(), row.experts.len()), (3, 1), "{row:?}");
        assert!(row.officers[..2].iter().all(|key| key.starts_with("1602")) && row.officers[2].starts_with("1603"));
        assert!(row.subject != subject || row.experts[0] != "E-001", "recused");
        assert!(row.district == LONGTING || row.experts[0] != "E-003", "does not cover it");
    }
    // Visits carry the experts, and files of the bundle name them.
    let files = unpack(&bundle(&city, &done).await);
    let experts = String::from_utf8(files["experts.tsv"].clone()).unwrap();
    assert_eq!(experts.lines().next().unwrap(), format!("E-001\tmarket\t{LONGTING},{SHUNHE}\tlab"));
    assert_eq!(String::from_utf8(files["exclusions.tsv"].clone()).unwrap(), format!("E-001\t{subject}\tmarket\n"));
    assert_eq!(city.world.count("select count(*) from visit where cardinality(experts) = 1").await, 10);
}

#[tokio::test]
async fn a_plan_by_class_takes_the_settings_and_its_draw_withholds_the_register() {
    let mut city = City::start().await;
    classify(&city).await;
    let by_class = pb::Plan {
        stratification: pb::Stratification::CreditClass as i32,
        quotas: vec![],
        districts: vec![],
        ..plan()
    };
    city.plan = city.publish(by_class).await;
    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let written = plans.get_plan(pb::GetPlanRequest { name: city.plan.clone() }).await.unwrap().into_inner();
    let offered: BTreeMap<&str, Option<Amount>> =
        written.quotas.iter().map(|quota| (quota.stratum.as_str(), quota.amount)).collect();
    let ppm = |ppm| Some(Amount::Ppm(ppm));
    let expected = [
        ("A", ppm(30_000)),
        ("B", ppm(100_000)),
        ("C", ppm(400_000)),
        ("D", ppm(1_000_000)),
        ("UNCLASSIFIED", ppm(100_000)),
    ];
    assert_eq!(offered, expected.into());
    assert_eq!((written.class_setting.as_str(), written.register_basis.as_str()), ("2022-1", ""));
    assert_eq!(written.withheld.as_ref().unwrap().files, ["subjects.tsv"]);
    assert!(written.withheld.unwrap().basis.contains("不作为对企业的信用评价"));

    let done = city.whole_draw().await;
    let strata: Vec<_> = done.strata.iter().map(|one| (one.stratum.as_str(), one.subjects, one.drawn)).collect();
    assert_eq!(strata, [("A", 40, 2), ("B", 20, 2), ("C", 20, 8), ("UNCLASSIFIED", 20, 2)], "nobody is in D");
    assert!(done.strata.iter().all(|one| one.threshold.len() == 64), "the department sees all of it");
    assert_eq!(done.withheld_files, ["subjects.tsv"]);
    let left_out: Vec<_> = done.left_out.iter().map(|one| (one.reason.as_str(), one.count)).collect();
    assert_eq!(left_out.iter().map(|(_, count)| count).sum::<i64>(), 3, "{left_out:?}");

    // In part without the register, whole with what the auditor is sent.
    let report = verify_with(&city, &done, BTreeMap::new()).await;
    assert_eq!(report.verdict, Verdict::Partly, "{}", failures(&report));
    let files = unpack(&bundle(&city, &done).await);
    let names: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    assert!(!names.contains("subjects.tsv") && !names.contains("strata.tsv") && names.len() == 9, "{names:?}");
    assert_eq!(reason(withheld(&mut auditor(&city).await, &done.name, "").await), "PURPOSE_MISSING");
    assert_eq!(reason(withheld(&mut city.handler().await, &done.name, "audit").await), "ROLE_MISSING");
    let before = audited(&city).await;
    let sent = withheld(&mut auditor(&city).await, &done.name, "annual audit").await.unwrap();
    assert_eq!(audited(&city).await, before + 1, "the reading is an entry of the audit");
    let given = unpack(&sent);
    assert_eq!(given.keys().collect::<Vec<_>>(), ["strata.tsv", "subjects.tsv"]);
    let report = verify_with(&city, &done, given.clone()).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", failures(&report));
    let salted = String::from_utf8(given["subjects.tsv"].clone()).unwrap();
    let salts: BTreeSet<&str> = salted.lines().map(|line| line.rsplit('\t').next().unwrap()).collect();
    assert_eq!(salts.len(), 100, "each line has a salt of its own");
    assert!(salts.iter().all(|salt| salt.len() == 32));

    // Nothing that everybody receives tells the strata or where the register lies.
    let told = log(&city).await;
    let stated = read::<events::DrawStated>(&told).remove(0).draw.unwrap();
    let revealed = read::<events::DrawRevealed>(&told).remove(0);
    let shown = revealed.draw.clone().unwrap();
    assert_eq!((stated.strata.len(), shown.strata.len()), (0, 0));
    assert_eq!((shown.seed.len(), shown.subjects, shown.drawn), (64, 100, 14));
    assert_eq!((revealed.subjects_blob.as_str(), revealed.withheld_files.len()), ("", 1));
    assert_ne!(revealed.left_out_blob, "");
    let names = kit::blob::Digest::parse(&revealed.names_blob).unwrap();
    let names = city.world.harness.env.blobs.read(names, 1 << 20).await.unwrap();
    let rows = drawn(&mut city.handler().await, &done.name).await.unwrap();
    let named: BTreeSet<String> =
        String::from_utf8(names).unwrap().lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect();
    assert_eq!(named.len(), 14 + 3, "the drawn and those left out, nobody else of the register");
    assert!(rows.iter().all(|row| named.contains(&row.subject)));

    // Whoever contributes sees the draw without its strata.
    let mut nurse = city.draws("users/nurse", JUSTICE, &[Role::Handler]).await;
    assert_eq!(reason(nurse.get_draw(pb::GetDrawRequest { name: done.name.clone() }).await), "NOT_FOUND");
    let mut office = city.draws("users/clerk2", "organisations/supervision", &[Role::Handler]).await;
    let seen = office.get_draw(pb::GetDrawRequest { name: done.name.clone() }).await.unwrap().into_inner();
    assert_eq!((seen.strata.len(), seen.seed.len()), (0, 64));
}

async fn audited(city: &City) -> i64 {
    city.world.harness.sequenced("draws").await.unwrap();
    let sql = "select count(*) from log where position(convert_to('DownloadWithheld', 'UTF8') in bytes) > 0
                   and position(convert_to('annual audit', 'UTF8') in bytes) > 0";
    city.world.count(sql).await
}

#[tokio::test]
async fn a_register_by_class_is_published_where_a_basis_allows_it() {
    let mut city = City::start().await;
    classify(&city).await;
    let public = pb::Plan {
        stratification: pb::Stratification::DistrictAndCreditClass as i32,
        register_basis: "河南省社会信用条例第三十一条".to_owned(),
        quotas: vec![pb::Quota { stratum: "*".to_owned(), amount: Some(Amount::Ppm(100_000)) }],
        exceptions: excepting(&[Exception::SmallStratum], "部分区县分类后不足 20 户"),
        ..plan()
    };
    city.plan = city.publish(public).await;
    let done = city.whole_draw().await;
    assert!(done.withheld_files.is_empty());
    assert!(
        done.strata.iter().all(|one| one.stratum.starts_with("4102") && one.stratum.contains('/')),
        "{:?}",
        done.strata
    );
    let report = city.verify(&done).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", failures(&report));
    assert_eq!(reason(withheld(&mut auditor(&city).await, &done.name, "annual audit").await), "NOT_FOUND");
}

#[tokio::test]
async fn every_table_can_be_withheld_and_a_successor_uses_the_same_salted_bytes() {
    let mut city = City::start().await;
    expert(&city, "E-001", &[LONGTING, SHUNHE], "lab").await;
    expert(&city, "E-002", &[LONGTING, SHUNHE], "lab").await;
    let files: Vec<String> = lottery::frozen::TABLES.iter().map(ToString::to_string).collect();
    let secret = pb::Plan {
        withheld: Some(pb::Withholding { basis: "统计法第二十五条".to_owned(), files }),
        experts: Some(pb::ExpertPart { count: 1, specialty: String::new() }),
        ..plan()
    };
    city.plan = city.publish(secret).await;
    let stated = city.stated().await;
    city.advance(CLOSE);
    let failed = city.until(&stated.name, DrawState::Failed).await;
    let contributors = vec![department("market"), department("justice"), beacon("lottery:demo:0")];
    let successor = pb::Draw { replaces: failed.name.clone(), contributors, ..city.draw() };
    let created = city.create(successor).await.unwrap();
    let second = city.state(&created).await.unwrap();
    let digests = |text: &str| lottery::statement::Statement::parse(text.as_bytes()).unwrap().digests;
    let (old, new) = (digests(&stated.statement_json), digests(&second.statement_json));
    for file in lottery::frozen::TABLES {
        assert_eq!(old[file], new[file], "{file}: salts included");
    }
    assert_eq!(second.left_out, stated.left_out, "counted anew from the same file");
    enter(&mut city.handler().await, &second, "1 1 1").await.unwrap();
    enter(&mut city.draws("users/dean", JUSTICE, &[Role::Handler]).await, &second, "4 4 4").await.unwrap();
    city.advance(CLOSE);
    city.until_closed(&second.name).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&second.name, DrawState::Dispatched).await;
    assert_eq!(verify_with(&city, &done, BTreeMap::new()).await.verdict, Verdict::Partly);
    let given = unpack(&withheld(&mut auditor(&city).await, &done.name, "annual audit").await.unwrap());
    assert_eq!(given.len(), 6);
    let report = verify_with(&city, &done, given.clone()).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", failures(&report));
    // Any other salt is another file.
    let mut forged = given;
    let last = forged.get_mut("officers.tsv").unwrap().iter_mut().rev().nth(1).unwrap();
    *last = if *last == b'0' { b'1' } else { b'0' };
    assert_eq!(verify_with(&city, &done, forged).await.verdict, Verdict::NotVerified);
}

fn unannounced() -> pb::Plan {
    // 5 January 2027: the second working day after the window.
    let after =
        pb::PublishAfter { basis: "食品安全法第一百零九条".to_owned(), date: "2027-01-05".to_owned() };
    pb::Plan { publish_after: Some(after), ..plan() }
}

#[tokio::test]
async fn an_unannounced_result_stays_inside_until_its_day() {
    let mut city = City::start().await;
    city.plan = city.publish(unannounced()).await;
    let done = city.whole_draw().await;
    assert_eq!(done.publish_after, "2027-01-05");
    assert_eq!((done.seed.len(), done.strata[0].threshold.len()), (64, 64), "the department sees all of it at once");
    let mut handler = city.handler().await;
    assert_eq!(drawn(&mut handler, &done.name).await.unwrap().len(), 10);
    let inside = evidence(&mut handler, &done.name).await.unwrap();
    assert_eq!(inside, bundle(&city, &done).await);
    let report = city.verify(&done).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", failures(&report));

    // Those who contribute learn neither who was drawn nor what would tell them.
    let contributor = || city.draws("users/clerk2", "organisations/supervision", &[Role::Handler]);
    let mut office = contributor().await;
    let seen = office.get_draw(pb::GetDrawRequest { name: done.name.clone() }).await.unwrap().into_inner();
    assert_eq!((seen.seed.as_str(), seen.evidence_digest.len(), seen.drawn), ("", 64, 10));
    assert!(seen.strata.iter().all(|one| one.threshold.is_empty() && one.subjects > 0));
    let listed = office.list_draws(pb::ListDrawsRequest::default()).await.unwrap().into_inner().draws;
    assert_eq!((listed.len(), listed[0].seed.as_str()), (1, ""));
    assert_eq!(refused(drawn(&mut office, &done.name).await), said("NOT_PUBLIC_YET", "18"));
    assert_eq!(reason(evidence(&mut office, &done.name).await), "NOT_PUBLIC_YET");
    // The auditor and the event for the portal have everything; nobody else receives it.
    assert_eq!(evidence(&mut auditor(&city).await, &done.name).await.unwrap(), inside);
    let told = log(&city).await;
    let revealed = read::<events::DrawRevealed>(&told).remove(0);
    assert_eq!((revealed.publish_after.as_str(), revealed.draw.unwrap().seed.len()), ("2027-01-05", 64));
    let event = told
        .iter()
        .find(|event| event.payload.as_ref().is_some_and(|payload| payload.type_url.ends_with("DrawRevealed")));
    let audience = event.unwrap().audience.clone().unwrap();
    assert_eq!((audience.public, audience.organisations), (false, vec![MARKET.to_owned()]));

    // Midnight in Kaifeng begins the day.
    let day = "2027-01-04T16:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    city.advance((day - city.now()).num_seconds() - 1);
    assert_eq!(reason(drawn(&mut contributor().await, &done.name).await), "NOT_PUBLIC_YET");
    city.advance(1);
    let mut office = contributor().await;
    assert_eq!(drawn(&mut office, &done.name).await.unwrap().len(), 10);
    assert_eq!(evidence(&mut office, &done.name).await.unwrap(), inside);
    let seen = office.get_draw(pb::GetDrawRequest { name: done.name.clone() }).await.unwrap().into_inner();
    assert_eq!(seen, city.get(&done.name).await);
}

#[tokio::test]
async fn a_plan_whose_day_of_publication_has_come_is_not_drawn_over() {
    let mut city = City::start().await;
    city.plan = city.publish(unannounced()).await;
    let mut clerk = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let create = pb::CreatePlanRequest { plan: Some(unannounced()), ..Default::default() };
    let other = clerk.create_plan(create).await.unwrap().into_inner();
    let day = "2027-01-04T16:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    city.advance((day - city.now()).num_seconds());
    let created = city.create(city.draw()).await.unwrap();
    assert_eq!(refused(city.state(&created).await), said("PUBLISH_DAY_PAST", "18"));
    let mut clerk = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let submit = pb::SubmitPlanRequest { name: other.name, etag: other.etag, ..Default::default() };
    assert_eq!(refused(clerk.submit_plan(submit).await), said("PUBLISH_DAY_PAST", "18"));
}

/// A recusal declared by an officer, as the register of conflicts keeps it.
async fn conflict(city: &City, officers: &str, subjects: &str) {
    let sql = format!(
        "insert into conflict (id, organisation, officer, subject, reason, creator, created_at)
         select md5(o.key || s.key), o.organisation, o.key, s.key, '亲属', 'users/clerk', now() from officer o, subject s
         where {officers} and s.in_business and {subjects}"
    );
    owner(city, &sql).await;
}

#[tokio::test]
async fn recusals_that_empty_a_district_are_refused_or_approved_and_published() {
    let mut city = City::start().await;
    let one = code(LONGTING, 3);
    conflict(&city, "o.key in ('16020001')", &format!("s.key = '{one}'")).await;
    let created = city.create(city.draw()).await.unwrap();
    conflict(&city, "o.key in ('16020002')", &format!("s.key = '{one}'")).await;
    let refusal = city.state(&created).await.unwrap_err();
    let (why, values) = kit::testing::refusal_of(&refusal);
    assert_eq!((why.as_str(), values["article"].as_str()), ("RECUSALS_LEAVE_TOO_FEW", "16"));
    assert_eq!((values["n"].as_str(), values["have"].as_str(), values["need"].as_str()), ("1", "3", "4"));
    // Nobody of the bureau may go to anybody in the other district.
    conflict(&city, "true", &format!("s.district = '{SHUNHE}'")).await;
    let mut plans = city.world.plans("users/clerk", MARKET, &[Role::Handler]).await;
    let found = plans.preview_plan(pb::PreviewPlanRequest { name: city.plan.clone() }).await.unwrap().into_inner();
    assert_eq!(found.obstacles.len(), 2, "{:?}", found.obstacles);
    assert!(
        found.obstacles.iter().any(|one| one.contains("40 个检查对象") && one.contains("0 名")),
        "{:?}",
        found.obstacles
    );
    assert_eq!(refused(city.state(&created).await), said("RECUSALS_LEAVE_TOO_FEW", "16"));

    // Approved and published with the plan it goes ahead; whoever is left without a team is shown so.
    let few = excepting(&[Exception::FewOfficers], "人员不足，经局长办公会批准");
    let otherwise = city.publish(pb::Plan { exceptions: few, ..plan() }).await;
    let created = city.create(pb::Draw { plan: otherwise, ..city.draw() }).await.unwrap();
    assert_eq!(
        refused(city.state(&created).await),
        said("RECUSALS_LEAVE_TOO_FEW", "16"),
        "approved was something else"
    );
    let exceptions = excepting(&[Exception::Recusals], "顺河区全员申报利害关系，经局长办公会批准");
    let approved = pb::Plan { exceptions, ..plan() };
    city.plan = city.publish(approved).await;
    let done = city.whole_draw().await;
    let rows = drawn(&mut city.handler().await, &done.name).await.unwrap();
    let without: BTreeSet<&str> =
        rows.iter().filter(|row| row.officers.is_empty()).map(|row| row.district.as_str()).collect();
    assert_eq!(without, BTreeSet::from([SHUNHE]));
    assert!(rows.iter().filter(|row| row.district == LONGTING).all(|row| row.officers.len() == 2));
    let report = city.verify(&done).await;
    assert_eq!(report.verdict, Verdict::Verified, "{}", failures(&report));
}

#[tokio::test]
async fn what_was_left_out_is_counted_for_good() {
    let city = City::start().await;
    city.stated().await;
    let service = city.world.harness.pool("draws").await.unwrap();
    let owner = city.world.harness.owner_pool("draws").await.unwrap();
    for sql in
        ["update draw_left_out set subjects = 1", "delete from draw_left_out", "update class_setting set quotas = '{}'"]
    {
        let code = |error: sqlx::Error| error.as_database_error().unwrap().code().unwrap().into_owned();
        assert_eq!(code(sqlx::query(sql).execute(&service).await.unwrap_err()), "42501", "{sql}");
        assert_eq!(code(sqlx::query(sql).execute(&owner).await.unwrap_err()), "23001", "{sql}");
    }
    // What a published plan withholds cannot be changed either, whoever asks.
    let changed =
        sqlx::query("update plan set shape = '{\"register_basis\": \"x\"}'").execute(&owner).await.unwrap_err();
    assert!(changed.to_string().contains("a published plan cannot be changed"), "{changed}");
}
