//! The log of recusals in public (art. 16, 18): its head at once, its lines with the bundle.

use futures::TryStreamExt;
use kit::testing::refusal_of;
use lottery::{
    rules::PublishAfter,
    testing::{Dice, Draw as Lot, Shape},
};
use proto::{
    google::api::HttpBody,
    qingtian::{
        draws::events::v1::RecusalUpheld,
        portal::v1::{self as pb, portal_client::PortalClient},
    },
};
use tonic::{Status, Streaming, transport::Channel};

use crate::{city::City, story::Story};

const HEAD: &str = r#"{"digest":"aa","n":2}"#;

/// A line about the drawn subject of a place, whoever takes part.
pub fn line(story: &Story, n: i64, other: Option<usize>) -> String {
    let key = |place: usize| story.lot.reveal.rows[place].key.clone();
    let (act, other) = other.map_or(("WITHDRAW", "-".to_owned()), |place| ("EXCHANGE", key(place)));
    let joins = if act == "WITHDRAW" { "-" } else { "o-2" };
    let (subject, previous) = (key(0), "f".repeat(64));
    format!(
        "{n}\t2026-11-24T01:00:00Z\t{act}\t{subject}\to-1\t{joins}\t{other}\tILLNESS\tmarket/handler\tmarket/reviewer\t{previous}"
    )
}

pub async fn upheld(city: &City, story: &Story, n: i64, line: String) {
    let head = HEAD.replace("\"n\":2", &format!("\"n\":{n}"));
    let event = RecusalUpheld { draw: story.name.clone(), n, line, head };
    city.announce("draws", &format!("recusals/2026-0007-{n}"), &event).await;
}

async fn text(answer: Result<tonic::Response<Streaming<HttpBody>>, Status>) -> String {
    let chunks: Vec<HttpBody> = answer.unwrap().into_inner().try_collect().await.unwrap();
    String::from_utf8(chunks.into_iter().flat_map(|chunk| chunk.data).collect()).unwrap()
}

async fn log(client: &mut PortalClient<Channel>, name: &str) -> String {
    text(client.download_log(pb::DownloadLogRequest { name: name.to_owned() }).await).await
}

#[tokio::test]
async fn a_log_is_served_byte_for_byte_with_its_newest_head() {
    let mut city = City::with_a_plan().await;
    let mut story = Story::new(7, &Shape::default());
    let (log_of, head_of) =
        (pb::DownloadLogRequest { name: story.name.clone() }, pb::DownloadLogHeadRequest { name: story.name.clone() });
    story.created(&city).await;
    story.stated(&city).await;
    story.entered(&city).await;
    city.settle().await;
    let mut client = city.public().await;
    assert_eq!(refusal_of(&client.download_log(log_of).await.unwrap_err()).0, "NOT_FOUND", "before the reveal");
    let none = client.list_log(pb::ListLogRequest { parent: story.name.clone(), ..Default::default() }).await;
    assert_eq!(none.unwrap().into_inner(), pb::ListLogResponse::default(), "before the reveal");
    story.revealed(&city).await;
    city.settle().await;
    assert_eq!(log(&mut client, &story.name).await, "");
    assert_eq!(refusal_of(&client.download_log_head(head_of.clone()).await.unwrap_err()).0, "NOT_FOUND");

    let lines = [line(&story, 1, Some(1)), line(&story, 2, None)];
    for (n, line) in (1..).zip(&lines) {
        upheld(&city, &story, n, line.clone()).await;
    }
    city.settle().await;
    for restarted in [false, true] {
        if restarted {
            city.restart().await;
            client = city.public().await;
        }
        assert_eq!(log(&mut client, &story.name).await, format!("{}\n{}\n", lines[0], lines[1]));
        assert_eq!(text(client.download_log_head(head_of.clone()).await).await, HEAD);
        let shown = client.get_draw(pb::GetDrawRequest { name: story.name.clone() }).await.unwrap().into_inner();
        assert_eq!((shown.log_lines, shown.log_head.as_str()), (2, HEAD));
    }

    let request = pb::ListLogRequest { parent: story.name.clone(), page_size: 1, ..Default::default() };
    let page = client.list_log(request.clone()).await.unwrap().into_inner();
    let (first, rows) = (&page.lines[0], &story.lot.reveal.rows);
    assert_eq!((page.total_size, first.n, first.act.as_str(), first.person_in.as_str()), (2, 1, "EXCHANGE", "o-2"));
    assert_eq!((&first.title, &first.other_title), (&story.titles[&rows[0].key], &story.titles[&rows[1].key]));
    let rest = pb::ListLogRequest { page_token: page.next_page_token, ..request.clone() };
    let rest = client.list_log(rest).await.unwrap().into_inner();
    let last = &rest.lines[0];
    assert_eq!((last.n, last.person_in.as_str(), last.other_subject.as_str()), (2, "", ""), "nobody joined");
    assert_eq!((last.asked_by.as_str(), last.approved_by.as_str()), ("market/handler", "market/reviewer"));
    assert_eq!(rest.next_page_token, "");
    let forged = pb::ListLogRequest { page_token: "Zm9v".to_owned(), ..request };
    assert_eq!(refusal_of(&client.list_log(forged).await.unwrap_err()).0, "PAGE_TOKEN");
}

#[tokio::test]
async fn of_an_unannounced_visit_the_head_is_public_at_once_and_the_log_on_its_day() {
    let city = City::with_a_plan().await;
    let lot = Lot::random(7, &Shape::default()).unwrap();
    let tables = lottery::frozen::TABLES.iter().map(|file| ((*file).to_owned(), lot.files[*file].clone())).collect();
    let mut rules = lot.rules.clone();
    rules.publish_after = Some(PublishAfter { basis: "unannounced".to_owned(), date: "2026-11-25".to_owned() });
    let mut story = Story::over(7, Lot::of(tables, rules, &mut Dice::new(7)).unwrap());
    story.told(&city).await;
    upheld(&city, &story, 2, line(&story, 2, None)).await;
    city.settle().await;

    let mut client = city.public().await;
    let name = story.name.clone();
    assert_eq!(text(client.download_log_head(pb::DownloadLogHeadRequest { name: name.clone() }).await).await, HEAD);
    let lines = pb::ListLogRequest { parent: name.clone(), ..Default::default() };
    for status in [
        client.download_log(pb::DownloadLogRequest { name: name.clone() }).await.unwrap_err(),
        client.list_log(lines.clone()).await.unwrap_err(),
    ] {
        let (reason, metadata) = refusal_of(&status);
        assert_eq!((reason.as_str(), metadata["when"].as_str()), ("NOT_PUBLIC_YET", "2026-11-25"));
    }
    city.harness.clock.advance(chrono::Duration::days(2));
    assert_eq!(log(&mut client, &name).await.lines().count(), 1);
    assert_eq!(client.list_log(lines).await.unwrap().into_inner().total_size, 1);
}
