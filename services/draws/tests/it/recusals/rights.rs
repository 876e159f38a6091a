//! Who asks for a recusal, who decides it and who reads it (art. 16).

use super::*;
use crate::world::HEALTH;

#[tokio::test]
async fn what_stands_in_the_way_is_refused_by_article_16() {
    let office = Office::open().await;
    let visits = office.visits().await;
    let (subject, person) = (visits[0].subject.clone(), visits[0].officers[0].clone());
    let outside = ["16020001", "16020002", "16020003", "16020004", "16020005"]
        .into_iter()
        .find(|one| !visits[0].officers.iter().any(|there| there == one))
        .unwrap();
    let mut handler = office.handler().await;
    sixteen(handler.create_recusal(office.request(&subject, outside, Ground::Interest)).await, "NOT_IN_TEAM");
    sixteen(handler.create_recusal(office.request("nobody", &person, Ground::Interest)).await, "NOT_IN_TEAM");
    // An officer asks for himself alone.
    let mut colleague = office.officer(outside).await;
    assert_eq!(
        reason(colleague.create_recusal(office.request(&subject, &person, Ground::Interest)).await),
        "ROLE_MISSING"
    );
    let mut unfounded = office.request(&subject, &person, Ground::Unspecified);
    assert_eq!(reason(handler.create_recusal(unfounded.clone()).await), "INVALID");
    unfounded.recusal =
        unfounded.recusal.map(|one| pb::Recusal { ground: Ground::Other as i32, note: String::new(), ..one });
    assert_eq!(reason(handler.create_recusal(unfounded).await), "INVALID");

    let asked = office.asked(&subject, &person, Ground::Illness).await;
    sixteen(handler.create_recusal(office.request(&subject, &person, Ground::Interest)).await, "RECUSAL_OPEN");

    // Neither the officer, with or without his certificate in the token, nor who asked decides.
    for certificate in [person.as_str(), ""] {
        let account = format!("users/of-{person}");
        let mut himself = office.as_person(&account, MARKET, &[Role::Reviewer], certificate).await;
        sixteen(himself.uphold_recusal(uphold(&asked, Act::Withdraw)).await, "OWN_RECUSAL");
        sixteen(himself.reject_recusal(reject(&asked)).await, "OWN_RECUSAL");
    }
    let mut asker = office.as_person("users/clerk", MARKET, &[Role::Handler, Role::Reviewer], "").await;
    assert_eq!(reason(asker.uphold_recusal(uphold(&asked, Act::Withdraw)).await), "OWN_ACT");

    let mut reviewer = office.reviewer().await;
    assert_eq!(
        reason(reviewer.uphold_recusal(uphold(&asked, Act::Exchange)).await),
        "INVALID",
        "who is ill is replaced"
    );
    assert_eq!(reason(reviewer.uphold_recusal(uphold(&asked, Act::Unspecified)).await), "INVALID");
    let stale = pb::UpholdRecusalRequest { etag: "7".to_owned(), ..uphold(&asked, Act::Withdraw) };
    assert_eq!(reason(reviewer.uphold_recusal(stale).await), "STALE");
    let wordless = pb::RejectRecusalRequest { reason: " ".to_owned(), ..reject(&asked) };
    assert_eq!(reason(reviewer.reject_recusal(wordless).await), "INVALID");
    let rejected = reviewer.reject_recusal(reject(&asked)).await.unwrap().into_inner();
    assert_eq!((rejected.state(), rejected.line), (State::Rejected, 0));
    assert_eq!(office.visit(&subject).await, visits[0], "the team stays");
    sixteen(reviewer.uphold_recusal(uphold(&rejected, Act::Withdraw)).await, "RECUSAL_DECIDED");
    sixteen(reviewer.reject_recusal(reject(&rejected)).await, "RECUSAL_DECIDED");

    // Decided once, it may be asked again; but once the visit has begun the team stays. No call of this release begins a visit,
    // and its table knows no state but PENDING, so that here the state is written past both. When a visit can be begun, the
    // refusal below ends; then begin it through the service instead.
    let again = office.asked(&subject, &person, Ground::Interest).await;
    let owner = office.city.world.harness.owner_pool("draws").await.unwrap();
    let begun = "update visit set state = 'IN_PROGRESS' where subject = $1";
    let early = sqlx::query(begun).bind(&subject).execute(&owner).await.unwrap_err();
    assert_eq!(early.as_database_error().unwrap().constraint(), Some("visit_state_known"));
    sqlx::query("alter table visit drop constraint visit_state_known").execute(&owner).await.unwrap();
    sqlx::query(begun).bind(&subject).execute(&owner).await.unwrap();
    sixteen(reviewer.uphold_recusal(uphold(&again, Act::Exchange)).await, "ALREADY_VISITED");
    let other = &visits[0].officers[1];
    sixteen(handler.create_recusal(office.request(&subject, other, Ground::Interest)).await, "ALREADY_VISITED");
    assert_eq!(office.city.world.count("select count(*) from recusal_line").await, 0, "nothing was half done");
}

#[tokio::test]
async fn before_the_reveal_nobody_leaves_a_team() {
    let city = City::start().await;
    let draw = city.stated().await;
    let office = Office { city, draw };
    let mut handler = office.handler().await;
    let early = office.request("nobody", "16020001", Ground::Interest);
    sixteen(handler.create_recusal(early).await, "RECUSAL_TOO_EARLY");
}

#[tokio::test]
async fn everybody_sees_his_own_recusals_and_the_office_sees_all_of_its_draws() {
    let office = Office::open().await;
    let visits = office.visits().await;
    let (first, second) = (visits[0].officers[0].clone(), visits[0].officers[1].clone());
    let request = office.request(&visits[0].subject, &first, Ground::Interest);
    let own = office.officer(&first).await.create_recusal(request).await.unwrap().into_inner();
    let other = office.asked(&visits[0].subject, &second, Ground::Kinship).await;
    let list = |client: Recusals, request: pb::ListRecusalsRequest| {
        let mut client = client;
        async move { client.list_recusals(request).await.unwrap().into_inner() }
    };
    let all = pb::ListRecusalsRequest::default();
    let names = |answer: pb::ListRecusalsResponse| -> Vec<String> {
        assert_eq!(answer.total_size, i64::try_from(answer.recusals.len()).unwrap());
        answer.recusals.into_iter().map(|one| one.name).collect()
    };
    assert_eq!(names(list(office.handler().await, all.clone()).await), [other.name.as_str(), &own.name]);
    assert_eq!(names(list(office.officer(&first).await, all.clone()).await), [own.name.as_str()]);
    let stranger = office.as_person("users/x", HEALTH, &[Role::Handler, Role::Reviewer], "none").await;
    assert!(names(list(stranger.clone(), all.clone()).await).is_empty());
    let auditor = office.as_person("users/a", HEALTH, &[Role::Auditor], "").await;
    assert_eq!(names(list(auditor, all.clone()).await).len(), 2);

    // Words are for those who decide, who asked and whom it concerns.
    let get = pb::GetRecusalRequest { name: own.name.clone() };
    let note = |client: Recusals| {
        let (mut client, get) = (client, get.clone());
        async move { client.get_recusal(get).await.map(|answer| answer.into_inner().note) }
    };
    assert_eq!(note(office.reviewer().await).await.unwrap(), own.note);
    assert_eq!(note(office.officer(&first).await).await.unwrap(), own.note);
    assert_eq!(note(office.handler().await).await.unwrap(), "");
    assert_eq!(reason(note(office.officer(&second).await).await), "NOT_FOUND");
    assert_eq!(reason(note(stranger.clone()).await), "NOT_FOUND");
    let mut stranger = stranger;
    assert_eq!(reason(stranger.uphold_recusal(uphold(&own, Act::Withdraw)).await), "NOT_FOUND");
    assert_eq!(reason(stranger.reject_recusal(reject(&own)).await), "NOT_FOUND");
    let elsewhere = office.request(&visits[1].subject, &visits[1].officers[0], Ground::Interest);
    assert_eq!(reason(stranger.create_recusal(elsewhere).await), "NOT_FOUND");

    // Filters and pages.
    office.upheld(&own, Act::Withdraw).await;
    let by = |request: pb::ListRecusalsRequest| async { names(list(office.handler().await, request).await) };
    assert_eq!(by(pb::ListRecusalsRequest { state: State::Upheld as i32, ..all.clone() }).await, [own.name.as_str()]);
    assert_eq!(by(pb::ListRecusalsRequest { query: second.clone(), ..all.clone() }).await, [other.name.as_str()]);
    assert_eq!(by(pb::ListRecusalsRequest { draw: office.draw.name.clone(), ..all.clone() }).await.len(), 2);
    assert!(by(pb::ListRecusalsRequest { draw: "draws/2026-0099".to_owned(), ..all.clone() }).await.is_empty());
    let page = list(office.handler().await, pb::ListRecusalsRequest { page_size: 1, ..all.clone() }).await;
    let next = pb::ListRecusalsRequest { page_size: 1, page_token: page.next_page_token.clone(), ..all };
    let rest = list(office.handler().await, next).await;
    assert_eq!((&page.recusals[0].name, &rest.recusals[0].name), (&other.name, &own.name));
    assert_eq!((rest.next_page_token.as_str(), rest.total_size), ("", 2));
}
