//! A firm looks itself up (art. 10).

use kit::testing::refusal_of;
use lottery::{Digest, frozen::Subjects, merkle::Proof, testing::Shape};
use prost::Message as _;
use proto::qingtian::portal::v1::{self as pb, Standing, portal_client::PortalClient};
use tonic::transport::Channel;

use crate::{city::City, story::Story};

async fn ask(client: &mut PortalClient<Channel>, story: &Story, subject: &str) -> pb::SubjectStanding {
    let request = pb::LookUpSubjectRequest { draw: story.name.clone(), subject: subject.to_owned() };
    client.look_up_subject(request).await.unwrap().into_inner()
}

async fn refused(client: &mut PortalClient<Channel>, story: &Story, subject: &str) -> String {
    let request = pb::LookUpSubjectRequest { draw: story.name.clone(), subject: subject.to_owned() };
    refusal_of(&client.look_up_subject(request).await.unwrap_err()).0
}

#[tokio::test]
async fn every_firm_finds_its_ticket_its_threshold_and_its_proof() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    // Three whole blocks of the index and a part of one.
    let mut story = Story::new(7, &Shape { subjects: 3_100, ..Shape::default() });
    story.told(&city).await;
    city.settle().await;
    let file = &story.lot.files["subjects.tsv"];
    let subjects = Subjects::parse(file, false).unwrap();
    let lines: Vec<&str> = std::str::from_utf8(file).unwrap().lines().collect();
    let root = story.lot.stated.statement.merkle_root;
    let mut drawn_n = 0;
    for (at, subject) in subjects.iter().enumerate().filter(|(at, _)| at % 37 == 0 || at % 1024 < 2) {
        let told = ask(&mut client, &story, subject.key).await;
        let in_result = story.lot.reveal.rows.iter().find(|row| row.key == subject.key);
        let standing = if in_result.is_some() { Standing::Drawn } else { Standing::NotDrawn };
        assert_eq!((told.standing(), told.leaf_index), (standing, i64::try_from(at).unwrap()), "{}", subject.key);
        assert_eq!((told.stratum.as_str(), told.district.as_str()), (subject.stratum, subject.district));
        assert_eq!(&told.title, &story.titles[subject.key]);
        // The shell's way: printf '%s\nsubject\n%s\n' "$seed" "$key" | sha256sum
        let seed = story.lot.reveal.seed;
        assert_eq!(told.ticket, Digest::of(format!("{seed}\nsubject\n{}\n", subject.key).as_bytes()).to_string());
        assert_eq!(standing == Standing::Drawn, !told.threshold.is_empty() && told.ticket <= told.threshold);
        assert_eq!(told.officers, in_result.map(|row| row.officers.clone()).unwrap_or_default());
        assert_eq!(told.merkle_root, root.to_string());
        let path = told.proof.iter().map(|hash| Digest::parse(hash).unwrap()).collect();
        let proof = Proof { index: at as u64, size: subjects.len(), path };
        assert_eq!(proof.check(&root, lines[at].as_bytes()), Ok(()));
        drawn_n += usize::from(in_result.is_some());
    }
    assert!(drawn_n > 2, "{drawn_n} of those asked for were drawn");
}

#[tokio::test]
async fn a_firm_is_told_why_it_was_left_out_or_that_it_is_not_in_scope() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut story = Story::new(7, &Shape::default());
    story.told(&city).await;
    city.settle().await;
    let left_out = String::from_utf8(story.lot.files["left_out.tsv"].clone()).unwrap();
    for (key, reason) in left_out.lines().map(|line| line.split_once('\t').unwrap()) {
        let told = ask(&mut client, &story, key).await;
        assert_eq!((told.standing(), told.left_out_reason.as_str()), (Standing::LeftOut, reason));
        assert_eq!((&told.title, told.ticket.as_str()), (&story.titles[key], ""));
    }
    for elsewhere in ["91410200DEMO999999", "91350100M000100Y43", "household:30", "某家不在名录中的店"] {
        let told = ask(&mut client, &story, elsewhere).await;
        assert_eq!(told.standing(), Standing::NotInScope, "{elsewhere}");
        assert!(told.proof.is_empty() && told.ticket.is_empty());
    }
}

#[tokio::test]
async fn a_firm_is_found_by_its_name_and_by_a_code_typed_in_small_letters() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut story = Story::new(7, &Shape::default());
    story.told(&city).await;
    city.settle().await;
    let key = "91410200DEMO000005";
    let told = ask(&mut client, &story, key).await;
    assert_eq!(ask(&mut client, &story, " 91410200demo000005 ").await, told);
    assert_eq!(ask(&mut client, &story, &story.titles[key]).await, told);
    assert_eq!(ask(&mut client, &story, "开封(5) 号店").await, told, "brackets of any width");
    // The first two bear one name: the reader is asked for the code.
    assert_eq!(refused(&mut client, &story, &story.titles["91410200DEMO000000"]).await, "INVALID");
    assert_eq!(refused(&mut client, &story, " ").await, "INVALID");
    assert_eq!(refused(&mut client, &story, &"字".repeat(201)).await, "INVALID");
}

#[tokio::test]
async fn a_withheld_register_answers_no_look_up_and_shows_no_district() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let shape = Shape { withheld: vec!["left_out.tsv".to_owned(), "subjects.tsv".to_owned()], ..Shape::default() };
    let mut story = Story::new(7, &shape);
    story.told(&city).await;
    let mut partly = Story::new(8, &Shape { withheld: vec!["left_out.tsv".to_owned()], ..Shape::default() });
    partly.told(&city).await;
    city.settle().await;
    let key = story.lot.reveal.rows[0].key.clone();
    assert_eq!(refused(&mut client, &story, &key).await, "WITHHELD");
    let request = pb::ListDrawnRequest { parent: story.name.clone(), ..Default::default() };
    let drawn = client.list_drawn(request).await.unwrap().into_inner().drawn;
    assert!(drawn.iter().all(|drawn| drawn.stratum.is_empty() && drawn.district.is_empty()));
    assert_eq!(drawn[0].subject, key);
    assert!(drawn.iter().all(|drawn| !drawn.title.is_empty()), "who was drawn is public, with the name");
    // This story tells strata all the same: nothing of their sizes and thresholds gets through, the quotas stand in the rules.
    let request = pb::GetDrawRequest { name: story.name.clone() };
    let shown = client.get_draw(request).await.unwrap().into_inner();
    assert_eq!((shown.draw.clone().unwrap().strata, shown.fairness.clone().unwrap().inclusion), (vec![], vec![]));
    assert_eq!(shown.draw.clone().unwrap().left_out[0].count, 30, "how many were left out is told");
    let text = shown.encode_to_vec();
    // The threshold of a stratum is the ticket of somebody drawn: it is in the result, and nowhere said to be one.
    for ticket in story.lot.reveal.strata.iter().filter_map(|stratum| stratum.threshold) {
        let told = ticket.to_string();
        assert!(!text.windows(told.len()).any(|window| window == told.as_bytes()), "{told} is told");
    }
    let within = pb::ListDrawnRequest {
        parent: story.name.clone(),
        stratum: story.lot.reveal.rows[0].stratum.clone(),
        ..Default::default()
    };
    assert_eq!(client.list_drawn(within).await.unwrap().into_inner().total_size, 0, "nor found by stratum");
    // Where only who was left out is withheld, a firm of the pool still finds itself; of others nothing is said.
    let key = partly.lot.reveal.rows[0].key.clone();
    assert_eq!(ask(&mut client, &partly, &key).await.standing(), Standing::Drawn);
    assert_eq!(refused(&mut client, &partly, "household:1").await, "WITHHELD");
}

#[tokio::test]
async fn before_the_reveal_there_is_nothing_to_look_up() {
    let city = City::with_a_plan().await;
    let mut client = city.public().await;
    let mut story = Story::new(7, &Shape::default());
    story.created(&city).await;
    story.stated(&city).await;
    city.settle().await;
    assert_eq!(refused(&mut client, &story, "91410200DEMO000005").await, "WRONG_STATE");
}
