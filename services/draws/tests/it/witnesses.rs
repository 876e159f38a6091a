//! The witness's one-time link (art. 11, 15): the signed statement first, then exactly one entry.

use kit::testing::refusal_of;
use lottery::verify::Verdict;
use proto::qingtian::{
    access::v1::Role,
    draws::{
        events::v1 as events,
        v1::{self as pb, ContributorKind, DrawState, witnesses_client::WitnessesClient},
    },
};
use tonic::{Status, transport::Channel};

use crate::{
    draws::{
        city::{BEACON, CLOSE, City, JUSTICE, beacon, department, enter},
        log, read,
    },
    world::{HEALTH, MARKET, reason, refused},
};

const WITNESS: &str = "notary-li";

fn said(reason: &str) -> (String, String) {
    (reason.to_owned(), "15".to_owned())
}

/// A draw with a witness of the justice bureau.
fn witnessed(city: &City) -> pb::Draw {
    let witness = pb::Contributor {
        contributor: WITNESS.to_owned(),
        kind: ContributorKind::Witness as i32,
        unit: "justice".to_owned(),
    };
    pb::Draw { contributors: vec![department("market"), witness, beacon("lottery:demo:0")], ..city.draw() }
}

async fn issue_as(
    city: &City,
    organisation: &str,
    role: Role,
    draw: &str,
    contributor: &str,
) -> Result<pb::CreateWitnessLinkResponse, Status> {
    let channel = city.world.harness.user("users/clerk", organisation, &[role]).await.unwrap();
    let request = pb::CreateWitnessLinkRequest { draw: draw.to_owned(), contributor: contributor.to_owned() };
    Ok(WitnessesClient::new(channel).create_witness_link(request).await?.into_inner())
}

async fn issue(city: &City, draw: &pb::Draw) -> Result<pb::CreateWitnessLinkResponse, Status> {
    issue_as(city, MARKET, Role::Handler, &draw.name, WITNESS).await
}

/// Whoever holds a link: nobody to the platform.
async fn witness(city: &City) -> WitnessesClient<Channel> {
    WitnessesClient::new(city.world.harness.anonymous().await.unwrap())
}

async fn open(city: &City, link: &pb::CreateWitnessLinkResponse) -> Result<pb::OpenWitnessLinkResponse, Status> {
    let token = link.path.strip_prefix("/witness#").unwrap().to_owned();
    Ok(witness(city).await.open_witness_link(pb::OpenWitnessLinkRequest { token }).await?.into_inner())
}

async fn give(
    city: &City,
    opened: &pb::OpenWitnessLinkResponse,
    value: &str,
) -> Result<pb::AddWitnessEntryResponse, Status> {
    let request = pb::AddWitnessEntryRequest {
        permit: opened.permit.clone(),
        statement: opened.draw.as_ref().unwrap().statement.clone(),
        value: value.to_owned(),
    };
    Ok(witness(city).await.add_witness_entry(request).await?.into_inner())
}

#[tokio::test]
async fn a_witness_keeps_the_signed_statement_then_gives_one_entry_which_is_in_the_evidence() {
    let city = City::start().await;
    let created = city.create(witnessed(&city)).await.unwrap();
    let stated = city.state(&created).await.unwrap();
    let link = issue(&city, &stated).await.unwrap();
    let shown = &link.draw.as_ref().unwrap().witness_links[0];
    assert_eq!((shown.number, shown.contributor.as_str(), shown.issuer.as_str()), (1, WITNESS, "users/clerk"));
    assert!(shown.issue_time.is_some() && shown.open_time.is_none());

    let opened = open(&city, &link).await.unwrap();
    assert_eq!(opened.contributor, WITNESS);
    let draw = opened.draw.as_ref().unwrap();
    assert_eq!((&draw.statement_json, &draw.rules_json), (&stated.statement_json, &stated.rules_json));
    assert_eq!(lottery::Digest::of(draw.statement_json.as_bytes()).to_string(), draw.statement);
    let text = lottery::sign::statement_text(&lottery::Digest::parse(&draw.statement).unwrap());
    assert!(city.world.harness.env.keys.verifies(&draw.kid, text.as_bytes(), &draw.statement_signature));
    assert_eq!((draw.creator.as_str(), draw.witness_links[0].issuer.as_str()), ("", ""), "no account is told");
    assert!(draw.witness_links[0].open_time.is_some());

    let receipt = give(&city, &opened, "6 1 3 3 2 4").await.unwrap();
    assert_eq!(receipt.line, "2\tnotary-li\t6 1 3 3 2 4");
    assert_eq!(give(&city, &opened, "6 1 3 3 2 4").await.unwrap(), receipt, "a lost answer is given again");
    assert_eq!(refused(give(&city, &opened, "1 1 1 1 1 1").await), said("ENTRY_GIVEN"));
    enter(&mut city.handler().await, &stated, "3 1 6 2 5 5").await.unwrap();
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    let done = city.until(&stated.name, DrawState::Dispatched).await;
    assert_eq!(city.verify(&done).await.verdict, Verdict::Verified);
    assert_eq!(done.entries[1].value, "6 1 3 3 2 4");

    let events = log(&city).await;
    let (issued, openings) = (read::<events::WitnessLinkIssued>(&events), read::<events::WitnessLinkOpened>(&events));
    assert_eq!((issued.len(), openings.len()), (1, 1), "each act once, and public");
    assert_eq!(issued[0].link.as_ref().unwrap().issuer, "");
    assert!(openings[0].link.as_ref().unwrap().open_time.is_some());
}

#[tokio::test]
async fn a_link_is_opened_once_and_a_new_one_revokes_it_with_its_permit() {
    let city = City::start().await;
    let stated = city.state(&city.create(witnessed(&city)).await.unwrap()).await.unwrap();
    let first = issue(&city, &stated).await.unwrap();
    let stolen = open(&city, &first).await.unwrap();
    let again = open(&city, &first).await.unwrap_err();
    let (reason_said, values) = refusal_of(&again);
    assert_eq!(reason_said, "WITNESS_LINK_OPENED");
    let opened = city.now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    assert_eq!((values["opened"].as_str(), values["article"].as_str()), (opened.as_str(), "15"));

    let second = issue(&city, &stated).await.unwrap();
    assert_eq!(refused(open(&city, &first).await), said("WITNESS_LINK_REVOKED"));
    assert_eq!(refused(give(&city, &stolen, "1").await), said("WITNESS_LINK_REVOKED"));
    let opened = open(&city, &second).await.unwrap();
    give(&city, &opened, "2").await.unwrap();
    assert_eq!(refused(issue(&city, &stated).await), said("ENTRY_GIVEN"), "there is nothing left to give");
    let shown = city.get(&stated.name).await;
    let openings: Vec<_> = shown.witness_links.iter().map(|link| (link.number, link.open_time.is_some())).collect();
    assert_eq!(openings, [(1, true), (2, true)], "a theft stays to be seen");
    assert_eq!(shown.entries.len(), 1);
    assert_eq!(city.world.count("select count(*) from witness_link").await, 2);
}

#[tokio::test]
async fn two_who_open_a_link_at_once_are_one() {
    let city = City::start().await;
    let stated = city.state(&city.create(witnessed(&city)).await.unwrap()).await.unwrap();
    let link = issue(&city, &stated).await.unwrap();
    let answers = futures::future::join_all((0..6).map(|_| open(&city, &link))).await;
    let (opened, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!(opened.len(), 1);
    assert!(late.into_iter().all(|answer| reason(answer) == "WITNESS_LINK_OPENED"));
    let opened = opened.into_iter().next().unwrap().unwrap();
    let values: Vec<String> = (1..=6).map(|value| value.to_string()).collect();
    let answers = futures::future::join_all(values.iter().map(|value| give(&city, &opened, value))).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert_eq!(city.world.count("select count(*) from draw_entry").await, 1);
}

#[tokio::test]
async fn links_are_issued_by_the_drawing_units_handler_for_its_witness_while_entries_are_open() {
    let city = City::start().await;
    let created = city.create(witnessed(&city)).await.unwrap();
    assert_eq!(reason(issue(&city, &created).await), "WRONG_STATE", "there is no statement to hand over yet");
    let stated = city.state(&created).await.unwrap();
    for other in ["market", "lottery:demo:1", "nobody"] {
        let answer = issue_as(&city, MARKET, Role::Handler, &stated.name, other).await;
        assert_eq!(refused(answer), said("NOT_A_WITNESS"), "{other}");
    }
    let elsewhere = [(HEALTH, Role::Handler), (JUSTICE, Role::Handler), (HEALTH, Role::PlatformOperator)];
    for (organisation, role) in elsewhere {
        let refused = reason(issue_as(&city, organisation, role, &stated.name, WITNESS).await);
        assert!(["NOT_FOUND", "ROLE_MISSING"].contains(&refused.as_str()), "{organisation} {role:?}: {refused}");
    }
    let link = issue(&city, &stated).await.unwrap();
    let late = issue(&city, &stated).await.unwrap();
    let opened = open(&city, &late).await.unwrap();
    let other = pb::OpenWitnessLinkResponse {
        draw: Some(pb::Draw { statement: "0".repeat(64), ..stated.clone() }),
        ..opened.clone()
    };
    assert_eq!(reason(give(&city, &other, "1").await), "INVALID", "another statement");
    for value in ["", "掷骰子", "1\t2", &"1".repeat(201)] {
        assert_eq!(reason(give(&city, &opened, value).await), "INVALID", "{value:?}");
    }
    city.advance(CLOSE);
    assert_eq!(refused(give(&city, &opened, "1").await), said("ENTRIES_CLOSED"));
    assert_eq!(refused(issue(&city, &stated).await), said("ENTRIES_CLOSED"));
    assert_eq!(reason(open(&city, &link).await), "WITNESS_LINK_REVOKED");
    assert_eq!(city.world.count("select count(*) from draw_entry").await, 0);
}

#[tokio::test]
async fn an_unopened_link_ends_with_the_entries_and_with_an_entry_by_account() {
    let city = City::start().await;
    let stated = city.state(&city.create(witnessed(&city)).await.unwrap()).await.unwrap();
    let link = issue(&city, &stated).await.unwrap();
    let mut justice = city.draws("users/judge", JUSTICE, &[Role::Handler]).await;
    enter(&mut justice, &stated, "5 5 5").await.unwrap();
    assert_eq!(refused(open(&city, &link).await), said("ENTRY_GIVEN"), "an account of the unit was first");

    let other = city.publish(crate::draws::city::plan()).await;
    let created = city.create(pb::Draw { plan: other, ..witnessed(&city) }).await.unwrap();
    let stated = city.state(&created).await.unwrap();
    let link = issue(&city, &stated).await.unwrap();
    city.advance(CLOSE);
    assert_eq!(refused(open(&city, &link).await), said("ENTRIES_CLOSED"));
}

#[tokio::test]
async fn what_is_no_secret_is_unknown_and_no_secret_is_kept() {
    let city = City::start().await;
    let stated = city.state(&city.create(witnessed(&city)).await.unwrap()).await.unwrap();
    let link = issue(&city, &stated).await.unwrap();
    let mut stranger = witness(&city).await;
    for token in [String::new(), "x".to_owned(), "A".repeat(43), link.path.clone()] {
        let answer = stranger.open_witness_link(pb::OpenWitnessLinkRequest { token: token.clone() }).await;
        assert_eq!(refused(answer), said("WITNESS_LINK_UNKNOWN"), "{token:?}");
    }
    let opened = open(&city, &link).await.unwrap();
    let token = link.path.strip_prefix("/witness#").unwrap().to_owned();
    // The link's own secret is no permit, nor the permit a link.
    let swapped = pb::OpenWitnessLinkResponse { permit: token.clone(), ..opened.clone() };
    assert_eq!(refused(give(&city, &swapped, "1").await), said("WITNESS_LINK_UNKNOWN"));
    let request = pb::OpenWitnessLinkRequest { token: opened.permit.clone() };
    assert_eq!(refused(stranger.open_witness_link(request).await), said("WITNESS_LINK_UNKNOWN"));
    give(&city, &opened, "4 4 4").await.unwrap();

    // Every row of every table, as text: the digests are there, the secrets are not.
    city.world.harness.sequenced("draws").await.unwrap();
    let owner = city.world.harness.owner_pool("draws").await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "select quote_ident(table_name) from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    let mut digests = 0;
    for table in &tables {
        let sql = format!("select t::text || encode(convert_to(t::text, 'UTF8'), 'escape') from {table} t");
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_all(&owner).await.unwrap();
        for secret in [&token, &opened.permit] {
            let (digest, bytes) = (lottery::Digest::of(secret.as_bytes()).to_string(), hex::encode(secret));
            assert!(!rows.iter().any(|row| row.contains(secret.as_str()) || row.contains(&bytes)), "{table}");
            digests += rows.iter().filter(|row| row.contains(&digest)).count();
        }
    }
    assert!(tables.len() > 20 && digests == 2, "{digests} in {tables:?}");
    for frozen in ["update witness_link set issued_by = 'x'", "delete from witness_opening", "truncate witness_opening"]
    {
        assert!(sqlx::query(frozen).execute(&owner).await.is_err(), "{frozen}");
    }
}
