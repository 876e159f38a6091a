//! A draw in public: from its number to its evidence (art. 10, 15, 18).

use std::collections::{BTreeMap, HashMap};

use futures::TryStreamExt;
use kit::{blob::Digest, testing::refusal_of};
use lottery::{
    rules::PublishAfter,
    testing::{Dice, Draw as Lot, Shape},
    verify::{Options, Verdict, verify},
};
use prost::Message;
use proto::{
    google::api::HttpBody,
    qingtian::{
        draws::v1::{DrawState, Drawn},
        portal::v1::{self as pb, portal_client::PortalClient},
    },
};
use tonic::{Response, Streaming, transport::Channel};

use crate::{city::City, story::Story};

async fn bytes(answer: Response<Streaming<HttpBody>>) -> (BTreeMap<String, String>, Vec<u8>) {
    let (metadata, stream, _) = answer.into_parts();
    let chunks: Vec<HttpBody> = stream.try_collect().await.unwrap();
    assert!(chunks.iter().all(|chunk| chunk.data.len() <= 256 << 10));
    let mut headers: BTreeMap<String, String> = ["etag", "content-disposition", "cache-control", "x-length"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), metadata.get(name)?.to_str().ok()?.to_owned())))
        .collect();
    headers.insert("content-type".to_owned(), chunks[0].content_type.clone());
    (headers, chunks.into_iter().flat_map(|chunk| chunk.data).collect())
}

async fn get(client: &mut PortalClient<Channel>, name: &str) -> pb::PublicDraw {
    client.get_draw(pb::GetDrawRequest { name: name.to_owned() }).await.unwrap().into_inner()
}

async fn all_drawn(client: &mut PortalClient<Channel>, draw: &str) -> Vec<Drawn> {
    let mut request = pb::ListDrawnRequest { parent: draw.to_owned(), page_size: 7, ..Default::default() };
    let mut drawn = Vec::new();
    loop {
        let page = client.list_drawn(request.clone()).await.unwrap().into_inner();
        drawn.extend(page.drawn);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            assert_eq!(page.total_size, i64::try_from(drawn.len()).unwrap());
            return drawn;
        }
    }
}

#[tokio::test]
async fn a_draw_is_public_at_every_step_of_its_life() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut story = Story::new(7, &Shape::default());
    let state = |shown: &pb::PublicDraw| shown.draw.as_ref().unwrap().state();

    story.created(&city).await;
    city.settle().await;
    let shown = get(&mut client, &story.name).await;
    assert_eq!((state(&shown), shown.organisation_title.as_str()), (DrawState::Created, "市市场监督管理局"));
    let units: Vec<_> = shown.units.iter().map(|unit| (unit.name.as_str(), unit.title.as_str())).collect();
    assert_eq!(
        units,
        [(shown.draw.as_ref().unwrap().organisation.as_str(), "市市场监督管理局")],
        "those that are known"
    );
    let statement = pb::DownloadStatementRequest { name: story.name.clone() };
    assert_eq!(refusal_of(&client.download_statement(statement.clone()).await.unwrap_err()).0, "NOT_FOUND");

    story.stated(&city).await;
    city.settle().await;
    let shown = get(&mut client, &story.name).await;
    assert_eq!((state(&shown), shown.evidence_size), (DrawState::Stated, 0));
    let (headers, text) = bytes(client.download_statement(statement).await.unwrap()).await;
    assert_eq!(text, story.lot.files["statement.json"]);
    assert_eq!(headers["etag"], format!("\"{}\"", Digest::of(&text)));
    assert_eq!(headers["content-type"], "application/json");

    story.entered(&city).await;
    city.settle().await;
    let shown = get(&mut client, &story.name).await;
    assert_eq!((state(&shown), shown.entries_signature.len()), (DrawState::Contributing, 86));
    let values: Vec<_> = shown.draw.unwrap().entries.into_iter().map(|entry| entry.value).collect();
    assert_eq!(values, story.lot.values);
    let evidence = pb::DownloadEvidenceRequest { name: story.name.clone() };
    assert_eq!(refusal_of(&client.download_evidence(evidence).await.unwrap_err()).0, "NOT_FOUND");
    let drawn = pb::ListDrawnRequest { parent: story.name.clone(), ..Default::default() };
    assert_eq!(refusal_of(&client.list_drawn(drawn).await.unwrap_err()).0, "WRONG_STATE");

    story.revealed(&city).await;
    city.settle().await;
    let shown = get(&mut client, &story.name).await;
    assert_eq!(shown.without_team, story.without_team());
    let draw = shown.draw.as_ref().unwrap();
    assert_eq!((draw.state(), draw.creator.as_str(), draw.entries.len()), (DrawState::Revealed, "", 3));
    assert_eq!(draw.seed, story.lot.reveal.seed.to_string());
    let mut counts: HashMap<&str, i32> = HashMap::new();
    story.lot.reveal.rows.iter().flat_map(|row| &row.officers).for_each(|o| *counts.entry(o).or_default() += 1);
    assert!(!counts.is_empty());
    for load in &shown.load {
        let officers = counts.values().filter(|count| **count == load.subjects).count();
        assert_eq!(load.officers, i32::try_from(officers).unwrap(), "{} subjects", load.subjects);
    }
    assert_eq!(shown.load.iter().map(|load| load.officers).sum::<i32>(), i32::try_from(counts.len()).unwrap());

    story.dispatched(&city).await;
    city.settle().await;
    let shown = get(&mut client, &story.name).await;
    let made = i64::try_from(story.lot.reveal.rows.len()).unwrap() - story.without_team();
    assert_eq!((state(&shown), shown.visits), (DrawState::Dispatched, made));
}

#[tokio::test]
async fn the_evidence_is_the_bundle_to_the_byte_and_verifies() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    // Larger than one chunk.
    let mut story = Story::new(7, &Shape { subjects: 12_000, ..Shape::default() });
    story.told(&city).await;
    city.settle().await;
    let shown = get(&mut client, &story.name).await;
    let request = pb::DownloadEvidenceRequest { name: story.name.clone() };
    let (headers, bundle) = bytes(client.download_evidence(request).await.unwrap()).await;
    assert!(bundle.len() > 128 << 10, "{} bytes", bundle.len());
    assert_eq!(bundle, story.lot.bundle().unwrap());
    assert_eq!(shown.evidence_size, i64::try_from(bundle.len()).unwrap());
    assert_eq!(headers["etag"], format!("\"{}\"", shown.draw.unwrap().evidence_digest));
    assert_eq!(headers["x-length"], bundle.len().to_string());
    assert_eq!(headers["content-type"], "application/gzip");
    assert_eq!(headers["content-disposition"], "attachment; filename=\"draws-2026-0007.tar.gz\"");
    assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
    let jwks = lottery::testing::jwks();
    let report = verify(bundle.as_slice(), &Options { jwks: Some(&jwks), with: BTreeMap::new(), demo: true });
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.checks);
    let (headers, keys) = bytes(client.get_signing_keys(pb::GetSigningKeysRequest {}).await.unwrap()).await;
    assert_eq!(String::from_utf8(keys).unwrap(), city.harness.env.keys.jwks());
    assert_eq!(headers["content-type"], "application/jwk-set+json");
}

#[tokio::test]
async fn who_was_drawn_is_listed_in_the_order_of_the_result() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut story = Story::new(7, &Shape::default());
    story.told(&city).await;
    city.settle().await;
    let drawn = all_drawn(&mut client, &story.name).await;
    let expected: Vec<Drawn> = (1..)
        .zip(&story.lot.reveal.rows)
        .map(|(place, row)| Drawn {
            place,
            subject: row.key.clone(),
            title: story.titles[&row.key].clone(),
            stratum: row.stratum.clone(),
            district: row.district.clone(),
            ticket: row.ticket.to_string(),
            officers: row.officers.clone(),
            experts: row.experts.clone(),
            ..Default::default()
        })
        .collect();
    assert!(expected.len() > 20);
    assert_eq!(drawn, expected);
    let some = &expected[3];
    let asked = |query: &str, stratum: &str| pb::ListDrawnRequest {
        parent: story.name.clone(),
        query: query.to_owned(),
        stratum: stratum.to_owned(),
        page_size: 1_000,
        ..Default::default()
    };
    let page = client.list_drawn(asked(&some.subject, "")).await.unwrap().into_inner();
    assert_eq!((page.drawn, page.total_size), (vec![some.clone()], 1));
    // A key is found by its beginning, a name by any part.
    let page = client.list_drawn(asked(&some.subject[2..], "")).await.unwrap().into_inner();
    assert_eq!(page.total_size, 0);
    let page = client.list_drawn(asked(&some.title[6..], "")).await.unwrap().into_inner();
    assert!(page.drawn.contains(some));
    let page = client.list_drawn(asked("", &some.stratum)).await.unwrap().into_inner();
    let within: Vec<_> = expected.iter().filter(|drawn| drawn.stratum == some.stratum).cloned().collect();
    assert_eq!(page.drawn, within);
    let page = client.list_drawn(asked("%", "")).await.unwrap().into_inner();
    assert_eq!(page.total_size, 0, "a wildcard is only a character");
}

#[tokio::test]
async fn of_an_unannounced_visit_nothing_is_told_before_its_day() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let lot = Lot::random(7, &Shape::default()).unwrap();
    let tables = lottery::frozen::TABLES.iter().map(|file| ((*file).to_owned(), lot.files[*file].clone())).collect();
    let mut rules = lot.rules.clone();
    rules.publish_after = Some(PublishAfter { basis: "unannounced".to_owned(), date: "2026-11-25".to_owned() });
    let mut story = Story::over(7, Lot::of(tables, rules, &mut Dice::new(7)).unwrap());
    story.created(&city).await;
    story.stated(&city).await;
    city.settle().await;
    assert_eq!(get(&mut client, &story.name).await.publish_after, "2026-11-25", "known from the statement on");
    story.entered(&city).await;
    story.revealed(&city).await;
    story.dispatched(&city).await;
    city.settle().await;

    let name = story.name.clone();
    let listed = client.list_draws(pb::ListDrawsRequest::default()).await.unwrap().into_inner().draws;
    let overview = client.get_overview(pb::GetOverviewRequest {}).await.unwrap().into_inner().newest_draws;
    let shown = get(&mut client, &name).await;
    assert_eq!((&listed, &overview), (&vec![shown.clone()], &vec![shown.clone()]));
    let text = shown.encode_to_vec();
    for told in [story.lot.reveal.seed.to_string()]
        .into_iter()
        .chain(story.lot.reveal.strata.iter().filter_map(|stratum| stratum.threshold).map(|ticket| ticket.to_string()))
    {
        assert!(!text.windows(told.len()).any(|window| window == told.as_bytes()), "{told} is told");
    }
    assert!(shown.load.is_empty() && shown.without_team == 0 && shown.visits == 0 && shown.fairness.is_none());
    let bundle = Digest::of(&story.lot.bundle().unwrap());
    assert_eq!(shown.draw.unwrap().evidence_digest, bundle.to_string(), "its digest is public at once");
    let list = pb::ListDrawnRequest { parent: name.clone(), ..Default::default() };
    let evidence = pb::DownloadEvidenceRequest { name: name.clone() };
    let firm = pb::LookUpSubjectRequest { draw: name.clone(), subject: story.lot.reveal.rows[0].key.clone() };
    for status in [
        client.list_drawn(list.clone()).await.unwrap_err(),
        client.download_evidence(evidence.clone()).await.unwrap_err(),
        client.look_up_subject(firm.clone()).await.unwrap_err(),
    ] {
        let (reason, metadata) = refusal_of(&status);
        assert_eq!(
            (reason.as_str(), metadata["article"].as_str(), metadata["when"].as_str()),
            ("NOT_PUBLIC_YET", "18", "2026-11-25")
        );
    }

    // The day begins at midnight in Kaifeng: 16:00 UTC of the day before.
    city.harness.clock.advance(chrono::Duration::hours(39) - chrono::Duration::microseconds(1));
    assert_eq!(refusal_of(&client.list_drawn(list.clone()).await.unwrap_err()).0, "NOT_PUBLIC_YET");
    city.harness.clock.advance(chrono::Duration::microseconds(1));
    assert!(!client.list_drawn(list).await.unwrap().into_inner().drawn.is_empty());
    let (_, bytes) = bytes(client.download_evidence(evidence).await.unwrap()).await;
    assert_eq!(Digest::of(&bytes), bundle);
    client.look_up_subject(firm).await.unwrap();
    let shown = get(&mut client, &name).await;
    assert_eq!(shown.draw.unwrap().seed, story.lot.reveal.seed.to_string());
    assert!(shown.visits > 0 && shown.fairness.is_some());
}

#[tokio::test]
async fn a_failed_draw_shows_its_successor_and_what_was_stated() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut failed = Story::new(7, &Shape::default());
    failed.created(&city).await;
    failed.stated(&city).await;
    failed.ended(&city, DrawState::Failed, "ENTRY_MISSING").await;
    let mut next = Story::new(8, &Shape::default()).replacing(&failed.name);
    next.told(&city).await;
    city.settle().await;
    let shown = get(&mut client, &failed.name).await;
    assert_eq!(shown.replaced_by, next.name);
    let draw = shown.draw.unwrap();
    assert_eq!(
        (draw.state(), draw.end_reason.as_str(), draw.creator.as_str()),
        (DrawState::Failed, "ENTRY_MISSING", "")
    );
    assert_eq!(draw.statement, failed.lot.stated.digest.to_string());
    assert_eq!(get(&mut client, &next.name).await.replaced_by, "");
    let plan = client.get_plan(pb::GetPlanRequest { name: "plans/2026-07".to_owned() }).await.unwrap().into_inner();
    assert_eq!(plan.draws, [failed.name, next.name]);
}
