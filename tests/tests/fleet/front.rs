//! Departments' programs before the fleet (art. 22): through the gateway's gRPC front to parts that are processes of their own, each
//! program hearing what is meant for its department.

use client::{Log, Qingtian, Settings, Stand, Step};
use proto::qingtian::identity::{
    events::v1::{OfficerChanged, OrganisationChanged},
    v1::{GetMeRequest, OpenSignInRequest, identity_client::IdentityClient},
};
use serde_json::json;
use tests::{
    HANG,
    city::{City, Layout},
    web::Web,
};
use tonic::Code;

/// A department's program: a machine client that is registered, and nothing else known of the platform but address and authority.
async fn program(city: &City, operator: &Web, organisation: &str) -> Qingtian {
    let request = json!({"title": "部门业务系统", "organisation": organisation});
    let made = operator.post("/v1/machineClients", request).await.ok();
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    let settings = Settings::new(format!("https://{}", city.front()), text("name"));
    let policy = client::Policy { attempts_max: 60, ..settings.policy };
    let authorities = Some(std::fs::read(city.authority()).unwrap());
    Qingtian::connect(Settings { secret: text("secret").into(), authorities, policy, ..settings }).unwrap()
}

/// An officer joins a department.
async fn officer_joins(operator: &Web, organisation: &str, number: &str) {
    let user = json!({
        "username": number, "realName": "高洁", "organisation": format!("organisations/{organisation}"), "roles": ["ROLE_OFFICER"],
        "certificate": {"number": number, "expireDate": "2031-12-31", "districts": ["410202"]},
    });
    operator.post("/v1/users", json!({"user": user, "verification": "核验居民身份证原件"})).await.ok();
}

/// What a subscription brings, up to the first event of which this is so.
async fn until(events: &mut client::Subscription<'_>, is_last: impl Fn(&Step) -> bool) -> Vec<Step> {
    let mut heard = Vec::new();
    let listening = async {
        loop {
            let step = events.next().await.unwrap();
            if step.event.is_none() {
                continue;
            }
            let last = is_last(&step);
            heard.push(step);
            if last {
                return;
            }
        }
    };
    tokio::time::timeout(HANG, listening).await.unwrap();
    heard
}

fn officer(step: &Step) -> Option<OfficerChanged> {
    kit::follow::payload(step.event.as_ref()?).unwrap()
}

fn is_organisation(step: &Step, name: &str) -> bool {
    let changed: Option<OrganisationChanged> = kit::follow::payload(step.event.as_ref().unwrap()).unwrap();
    changed.is_some_and(|changed| changed.name == name)
}

#[tokio::test]
async fn front_a_program_hears_what_is_meant_for_its_department_and_goes_on_after_a_restart() {
    let mut city = City::start(Layout::Many).await;
    let operator = city.as_person("operator").await;
    let market = program(&city, &operator, "organisations/market").await;
    let ecology = program(&city, &operator, "organisations/ecology").await;

    // Who it is, its parts say; what is between parts alone is closed.
    for (program, organisation) in [(&market, "organisations/market"), (&ecology, "organisations/ecology")] {
        let me = program
            .call(async |channel| Ok(IdentityClient::new(channel).get_me(GetMeRequest {}).await?.into_inner()))
            .await
            .unwrap();
        assert_eq!(me.organisation, organisation);
    }
    let closed = market
        .call(async |channel| {
            Ok(IdentityClient::new(channel).open_sign_in(OpenSignInRequest::default()).await?.into_inner())
        })
        .await
        .map(drop)
        .unwrap_err();
    let client::Error::Refused(status) = closed else { panic!("{closed:?}") };
    assert_eq!((status.code(), kit::testing::refusal_of(&status).0.as_str()), (Code::PermissionDenied, "NO_RULE"));
    assert!(kit::health::serves(market.public(), "qingtian.draws.v1.Draws").await);

    // Officers are their own department's business, organisations everybody's.
    officer_joins(&operator, "market", "front-market-1").await;
    officer_joins(&operator, "ecology", "front-ecology-1").await;
    let organisation = json!({
        "title": "前门局", "titleEn": "front", "kind": "ORGANISATION_KIND_DEPARTMENT", "district": "410200",
        "responsible": "局长", "enforcing": true,
    });
    operator.post("/v1/organisations?organisationId=front", organisation).await.ok();
    let mut stands = Vec::new();
    for (program, own, other) in [(&market, "market", "ecology"), (&ecology, "ecology", "market")] {
        let mut events = program.follow(Log::Identity, Stand::default());
        let heard = until(&mut events, |step| is_organisation(step, "organisations/front")).await;
        let officers: Vec<_> = heard.iter().filter_map(officer).collect();
        assert!(officers.iter().any(|officer| officer.certificate == format!("front-{own}-1")), "{officers:?}");
        let own = format!("organisations/{own}");
        assert!(officers.iter().all(|officer| officer.organisation == own), "{other}'s were heard: {officers:?}");
        assert!(heard.windows(2).all(|pair| pair[0].stand.position < pair[1].stand.position));
        stands.push(heard.last().unwrap().stand.clone());
    }

    // A subscription that is open when everything stops goes on when it is back, where it stood.
    let mut events = market.follow(Log::Identity, stands[0].clone());
    events.next().await.unwrap();
    city.stop().await;
    city.serve(&[]).await;
    let operator = city.as_person("operator").await;
    officer_joins(&operator, "ecology", "front-ecology-2").await;
    officer_joins(&operator, "market", "front-market-2").await;
    let is_second = |step: &Step| officer(step).is_some_and(|officer| officer.certificate == "front-market-2");
    let heard = until(&mut events, is_second).await;
    assert_eq!(heard.len(), 1, "nothing twice, and nothing of another department: {heard:?}");
    city.stop().await;
}
