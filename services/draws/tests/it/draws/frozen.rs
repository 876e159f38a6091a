//! What was stated stays as it was, and the secret stays secret until the reveal: tried as the service's own role, which is
//! what whoever breaks into the service would be, and as the owner of the tables.

use proto::qingtian::draws::v1::{self as pb, DrawState};
use sqlx::PgPool;

use super::city::{BEACON, CLOSE, City, enter};

/// The code the database refuses with; none when it obeys. 42501 is insufficient privilege, 23001 restrict violation.
async fn refusal(pool: &PgPool, sql: &'static str) -> Option<String> {
    let error = sqlx::query(sql).execute(pool).await.err()?;
    Some(error.as_database_error().expect("a refusal of the database").code().unwrap().into_owned())
}

#[tokio::test]
async fn the_services_own_role_cannot_change_what_was_published() {
    let city = City::start().await;
    let done = city.whole_draw().await;
    let service = city.world.harness.pool("draws").await.unwrap();
    let forbidden = [
        "update draw_statement set statement = 'x'",
        "update draw_statement set sealed = sealed",
        "delete from draw_statement",
        "truncate draw_statement cascade",
        "update draw_contributor set unit = 'market'",
        "update draw_file set blob = repeat('0', 64) where file = 'subjects.tsv'",
        "update draw_stratum set drawn = 1",
        "update draw_entry set value = '1'",
        "delete from draw_entry where index = 3",
        "update draw_closing set signature = ''",
        "update draw_beacon_report set value = '1'",
        "update demonstration_value set value = '01 02 03 04 05 06 07'",
        "delete from demonstration_issue",
        "update draw_reveal_time set revealed_at = revealed_at",
        "update draw_reveal set seed = ''",
        "update draw_threshold set threshold = null",
        "update draw_result set subject = 'friend'",
        "delete from draw_result where place = 1",
        "truncate draw_result",
        "delete from draw",
        "update draw set plan = 'plans/2026-99'",
        "update draw set entries_close = entries_close + interval '1 hour'",
        "update draw set reveal_by = reveal_by + interval '1 year'",
        "update draw set number = 9",
        "update visit set officers = array['friend']",
        "delete from visit",
        "alter table draw_entry disable trigger all",
        "drop trigger draw_entry_frozen on draw_entry",
        "update log set bytes = ''",
        "delete from log",
    ];
    for sql in forbidden {
        assert_eq!(refusal(&service, sql).await.as_deref(), Some("42501"), "{sql}");
    }
    let backwards = [
        "update draw set state = 'CREATED'",
        "update draw set state = 'CONTRIBUTING'",
        "update draw set state = 'FAILED', end_reason = 'REVEAL_MISSED'",
        "update draw set state = 'ABANDONED', end_reason = 'x'",
    ];
    for sql in backwards {
        assert_eq!(refusal(&service, sql).await.as_deref(), Some("23001"), "{sql}");
    }
    assert_eq!(city.get(&done.name).await, done);
}

#[tokio::test]
async fn the_owner_of_the_tables_is_refused_too() {
    let city = City::start().await;
    let done = city.whole_draw().await;
    let owner = city.world.harness.owner_pool("draws").await.unwrap();
    let forbidden = [
        "update draw_statement set statement = statement",
        "delete from draw_entry",
        "truncate draw_result cascade",
        "update draw_file set blob = repeat('0', 64)",
        "delete from draw_contributor",
        "update draw_reveal set seed = ''",
        "update demonstration_value set value = value",
        "delete from draw",
        "update draw set organisation = 'organisations/health'",
        "update draw set state = 'STATED'",
    ];
    for sql in forbidden {
        assert_eq!(refusal(&owner, sql).await.as_deref(), Some("23001"), "{sql}");
    }
    assert_eq!(city.get(&done.name).await, done);
}

#[tokio::test]
async fn what_may_be_added_is_added_once() {
    let city = City::start().await;
    let stated = city.stated().await;
    enter(&mut city.handler().await, &stated, "1 2 3").await.unwrap();
    let service = city.world.harness.pool("draws").await.unwrap();
    let unique = [
        "insert into draw_statement select * from draw_statement",
        "insert into draw_entry select draw, index, '6 6 6', given_at, given_by from draw_entry",
        "insert into draw_contributor select draw, 9, contributor, kind, unit from draw_contributor where index = 1",
        "insert into draw_file select * from draw_file",
        "insert into demonstration_issue select issue + 1, draw from demonstration_issue",
    ];
    for sql in unique {
        assert_eq!(refusal(&service, sql).await.as_deref(), Some("23505"), "{sql}");
    }
    let strangers = [
        "insert into draw_entry select draw, 7, '6 6 6', given_at, given_by from draw_entry",
        "insert into draw_reveal_time select draw, stated_at from draw_statement",
    ];
    for sql in strangers {
        assert_eq!(refusal(&service, sql).await.as_deref(), Some("23503"), "{sql}");
    }
}

/// Whether any of the texts holds any of the needles.
fn holds(haystacks: &[Vec<u8>], needles: &[Vec<u8>]) -> bool {
    haystacks
        .iter()
        .any(|text| needles.iter().any(|needle| text.windows(needle.len()).any(|part| part == needle.as_slice())))
}

#[tokio::test]
async fn the_secret_is_nowhere_to_be_read_before_the_reveal() {
    let city = City::start().await;
    let stated = city.stated().await;
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;

    let env = &city.world.harness.env;
    let sealed: Vec<u8> =
        sqlx::query_scalar("select sealed from draw_statement").fetch_one(&city.world.pool).await.unwrap();
    let secret = draws::draws::seal::open(env.keys.secret("draws.seal").unwrap(), &stated.name, &sealed).unwrap();
    let commitment = lottery::statement::commitment(&stated.name, &secret);
    assert!(stated.statement_json.contains(&commitment.to_string()), "it is the secret that was committed to");
    let needles = [secret.reveal().into_bytes(), secret.bytes().to_vec()];

    city.world.harness.sequenced("draws").await.unwrap();
    let mut haystacks: Vec<Vec<u8>> =
        sqlx::query_scalar("select bytes from log").fetch_all(&city.world.pool).await.unwrap();
    assert!(haystacks.len() > 5);
    let stored: Vec<Vec<u8>> =
        sqlx::query_scalar("select convert_to(t::text, 'UTF8') from draw_statement t union all select convert_to(t::text, 'UTF8') from draw t
             union all select convert_to(t::text, 'UTF8') from idempotency t")
            .fetch_all(&city.world.pool)
            .await
            .unwrap();
    haystacks.extend(stored);
    haystacks.push(format!("{:?}", city.get(&stated.name).await).into_bytes());
    let blobs = city.blobs();
    assert!(blobs.len() >= 6, "the frozen files are there");
    haystacks.extend(blobs.into_values());
    assert!(!holds(&haystacks, &needles));

    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    let revealed: Vec<u8> =
        sqlx::query_scalar("select draw_json from draw_reveal").fetch_one(&city.world.pool).await.unwrap();
    assert!(holds(&[revealed], &needles[..1]), "the same search finds it once it is published");
    assert_ne!(done.seed, "");
}

#[tokio::test]
async fn a_register_that_changes_after_the_statement_changes_nothing() {
    let city = City::start().await;
    let stated = city.stated().await;
    let subject = crate::world::code(crate::world::LONGTING, 0);
    let mut clerk = city.registers().await;
    let name = format!("{}/subjects/{subject}", crate::world::MARKET);
    let current = clerk.get_subject(pb::GetSubjectRequest { name: name.clone() }).await.unwrap().into_inner();
    let gone = pb::SetSubjectStatusRequest {
        name,
        status: pb::SubjectStatus::NotInBusiness as i32,
        reason: "已注销".to_owned(),
        etag: current.etag,
        ..Default::default()
    };
    let asked = clerk.set_subject_status(gone).await.unwrap().into_inner();
    assert_eq!(city.world.approve(&asked.pending_change).await.changed, 1);
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(done.subjects, 100);
    assert_eq!(city.verify(&done).await.verdict, lottery::verify::Verdict::Verified);
}
