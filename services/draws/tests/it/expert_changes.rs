//! Changes of the register of experts (art. 13): from the publication of a plan that wants experts to the reveal of its draw each
//! waits for a second person.

use proto::{
    google::api::HttpBody,
    qingtian::{
        access::v1::Role,
        draws::v1::{
            self as pb, DrawState, ExpertState, RegisterChangeKind as Kind, RegisterChangeOutcome as Outcome,
            RegisterChangeState as State,
        },
    },
};
use tonic::{Request, Status};

use crate::{
    draws::city::{self, BEACON, CLOSE, City},
    experts::{Experts, create, expert},
    world::*,
};

const WHY: &str = "专家库季度更新";

async fn clerk(world: &World) -> Experts {
    world.experts("users/clerk", MARKET, &[Role::Handler]).await
}

/// A city in which a plan that wants experts is published, after the first experts were registered.
async fn wanting(first: &[&str]) -> City {
    let mut city = City::start().await;
    let mut experts = clerk(&city.world).await;
    for key in first {
        // The plan that is published wants none: nobody else is needed.
        let registered = experts.create_expert(create(covering(key))).await.unwrap().into_inner();
        assert_eq!((registered.pending_change.as_str(), registered.etag.as_str()), ("", "1"));
    }
    let wanted = pb::ExpertPart { count: 1, specialty: "food".to_owned() };
    city.plan = city.publish(pb::Plan { experts: Some(wanted), ..city::plan() }).await;
    city
}

fn covering(key: &str) -> pb::Expert {
    pb::Expert { districts: vec![LONGTING.into(), SHUNHE.into()], ..expert(key) }
}

async fn read(experts: &mut Experts, key: &str) -> Result<pb::Expert, Status> {
    let mut request = Request::new(pb::GetExpertRequest { name: format!("{MARKET}/experts/{key}") });
    request.metadata_mut().insert("x-purpose", "register-upkeep".parse().unwrap());
    Ok(experts.get_expert(request).await?.into_inner())
}

async fn upload(experts: &mut Experts, why: &str, text: &str) -> Result<pb::ImportExpertsResponse, Status> {
    let file = HttpBody { data: text.as_bytes().to_vec(), ..Default::default() };
    let head =
        pb::ImportExpertsRequest { parent: MARKET.into(), reason: why.into(), file: Some(file), ..Default::default() };
    Ok(experts.import_experts(futures::stream::iter([head])).await?.into_inner())
}

/// The second person approves: experts are written with the decision.
async fn approve(world: &World, name: &str) -> pb::RegisterChange {
    let mut chief = world.chief().await;
    let etag = get_change(&mut chief, name).await.etag;
    let request = pb::ApproveRegisterChangeRequest { name: name.to_owned(), etag, ..Default::default() };
    let done = chief.approve_register_change(request).await.unwrap().into_inner();
    assert_eq!((done.state(), done.kind(), done.import.as_str()), (State::Applied, Kind::Experts, ""));
    assert!(done.end_time.is_some() && done.decider == "users/chief");
    done
}

async fn rows(world: &World, name: &str) -> Vec<pb::RegisterChangeRow> {
    let request = pb::ListRegisterChangeRowsRequest { parent: name.to_owned(), ..Default::default() };
    world.chief().await.list_register_change_rows(request).await.unwrap().into_inner().rows
}

async fn count(world: &World) -> i64 {
    world.count("select count(*) from expert").await
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_plan_that_wants_experts_waits_for_its_draw_each_change_waits_for_a_second_person() {
    let city = wanting(&["KF-1"]).await;
    let world = &city.world;
    let mut experts = clerk(world).await;

    // A new one: not without a reason, and not before somebody else approves.
    let refused = experts.create_expert(create(covering("KF-2"))).await.unwrap_err();
    let (why, values) = kit::testing::refusal_of(&refused);
    assert_eq!(
        (why.as_str(), values["plan"].as_str(), values["article"].as_str()),
        ("REGISTER_GUARDED", city.plan.as_str(), "13")
    );
    let with = |key: &str, why: &str| pb::CreateExpertRequest { reason: why.into(), ..create(covering(key)) };
    assert_eq!(reason(experts.create_expert(with("KF-2", "x")).await), "INVALID");
    assert_eq!(reason(experts.create_expert(with("KF-1", WHY)).await), "EXPERT_KEY_TAKEN");
    let request = pb::CreateExpertRequest { request_id: "one".into(), ..with("KF-2", WHY) };
    let asked = experts.create_expert(request.clone()).await.unwrap().into_inner();
    assert_eq!((asked.key.as_str(), asked.etag.as_str()), ("KF-2", ""));
    assert_eq!(experts.create_expert(request).await.unwrap().into_inner(), asked, "asked once");
    assert_eq!(reason(read(&mut experts, "KF-2").await), "NOT_FOUND");
    let name = asked.pending_change;
    let shown = rows(world, &name).await;
    assert_eq!((shown.len(), shown[0].key.as_str(), shown[0].title.as_str()), (1, "KF-2", ""));
    assert!(shown[0].note.contains("河南大学") && !shown[0].note.contains("张建国"), "{}", shown[0].note);
    let kept: Vec<u8> = sqlx::query_scalar("select content from expert_change").fetch_one(&world.pool).await.unwrap();
    assert!(!kept.windows(9).any(|part| part == "张建国".as_bytes()), "a name stands sealed");
    let mut both = world.changes("users/clerk", MARKET, &[Role::Handler, Role::Reviewer]).await;
    let own = pb::ApproveRegisterChangeRequest { name: name.clone(), etag: "1".into(), ..Default::default() };
    assert_eq!(reason(both.approve_register_change(own).await), "OWN_ACT");
    let done = approve(world, &name).await;
    assert_eq!((done.plan.as_str(), done.rows, done.changed, done.refused), (city.plan.as_str(), 1, 1, 0));
    let registered = read(&mut experts, "KF-2").await.unwrap();
    assert_eq!((registered.real_name.as_str(), registered.pending_change.as_str()), ("张建国", ""));
    let by: (String, String) = sqlx::query_as("select changed_by, changed_what from expert where key = 'KF-2'")
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert!(by.0 == "users/clerk" && by.1.contains("users/chief") && by.1.contains(&name), "{by:?}");

    // Two changes of the same one: the second is told that he was changed meanwhile.
    let moved = pb::Expert { districts: vec![LONGTING.into()], ..registered.clone() };
    let update =
        |why: &str| pb::UpdateExpertRequest { expert: Some(moved.clone()), reason: why.into(), ..Default::default() };
    assert_eq!(reason(experts.update_expert(update("")).await), "REGISTER_GUARDED");
    let asked = experts.update_expert(update(WHY)).await.unwrap().into_inner();
    assert_eq!((asked.etag.as_str(), asked.districts.len()), ("1", 2), "nothing changed yet");
    let first = asked.pending_change;
    // The same once more waits already, and what is so already needs nobody.
    assert_eq!(reason(experts.update_expert(update(WHY)).await), "WRONG_STATE");
    let same = pb::UpdateExpertRequest { expert: Some(registered.clone()), ..Default::default() };
    assert_eq!(experts.update_expert(same).await.unwrap().into_inner().pending_change, first);
    assert_eq!(world.count("select count(*) from register_change where state = 'PENDING'").await, 1);
    assert_eq!(rows(world, &first).await[0].note, "修改 change；区划 districts：410202、410203 → 410202");
    let retire = pb::SetExpertStateRequest {
        name: registered.name.clone(),
        state: ExpertState::Retired as i32,
        reason: "退休".into(),
        etag: "1".into(),
        ..Default::default()
    };
    let asked = experts.set_expert_state(retire.clone()).await.unwrap().into_inner();
    assert_eq!(asked.state(), ExpertState::Active);
    let second = asked.pending_change;
    assert_ne!(first, second);
    assert_eq!(approve(world, &first).await.changed, 1);
    assert_eq!(read(&mut experts, "KF-2").await.unwrap().districts, [LONGTING]);
    assert_eq!(approve(world, &second).await.refused, 1);
    let stale = rows(world, &second).await;
    assert_eq!(stale[0].outcome(), Outcome::Stale);
    assert!(stale[0].note.contains("users/clerk"), "{}", stale[0].note);

    // Asked anew as he is now; rejected, he stays, and approved, he goes.
    let retire = pb::SetExpertStateRequest { etag: "2".into(), ..retire };
    let asked = experts.set_expert_state(retire.clone()).await.unwrap().into_inner().pending_change;
    let reject = pb::RejectRegisterChangeRequest {
        name: asked.clone(),
        reason: "抽签之前不宜退出".into(),
        etag: "1".into(),
        ..Default::default()
    };
    let rejected = world.chief().await.reject_register_change(reject).await.unwrap().into_inner();
    assert_eq!((rejected.state(), rejected.changed), (State::Rejected, 0));
    assert_eq!(read(&mut experts, "KF-2").await.unwrap().state(), ExpertState::Active);
    let asked = experts.set_expert_state(retire).await.unwrap().into_inner().pending_change;
    approve(world, &asked).await;
    let gone = read(&mut experts, "KF-2").await.unwrap();
    assert_eq!((gone.state(), gone.retire_reason.as_str()), (ExpertState::Retired, "退休"));
    let back = pb::SetExpertStateRequest {
        name: gone.name,
        state: ExpertState::Active as i32,
        reason: "回聘".into(),
        etag: gone.etag,
        ..Default::default()
    };
    let asked = experts.set_expert_state(back).await.unwrap().into_inner();
    assert_eq!(asked.state(), ExpertState::Retired);
    approve(world, &asked.pending_change).await;
    assert_eq!(read(&mut experts, "KF-2").await.unwrap().state(), ExpertState::Active);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_experts_waits_as_a_whole_until_the_draw_is_revealed() {
    let city = wanting(&["KF-1"]).await;
    let world = &city.world;
    let mut experts = clerk(world).await;
    let table = "专家编号,姓名,工作单位,专业,区划\n\
        KF-1,,河南农业大学,,\n\
        KF-2,李建国,河南大学,food,410202、410203\n\
        KF-3,王建国,河南大学,food,410202、410203\n\
        KF-4,王,河南大学,food,410202\n";
    assert_eq!(reason(upload(&mut experts, "", table).await), "REGISTER_GUARDED");
    assert_eq!(world.count("select count(*) from register_change").await, 0);
    let waiting = upload(&mut experts, WHY, table).await.unwrap();
    assert_eq!([waiting.rows, waiting.created, waiting.updated, waiting.returned], [4, 2, 1, 1]);
    assert_eq!((count(world).await, rows(world, &waiting.change).await.len()), (1, 3));
    assert_eq!(read(&mut experts, "KF-1").await.unwrap().pending_change, waiting.change);
    let done = approve(world, &waiting.change).await;
    assert_eq!((done.rows, done.changed, done.refused, count(world).await), (3, 3, 0, 3));
    assert_eq!(read(&mut experts, "KF-1").await.unwrap().employer, "河南农业大学");
    let same = upload(&mut experts, WHY, table).await.unwrap();
    assert_eq!((same.unchanged, same.change.as_str()), (3, ""), "nothing to approve");

    // Another bureau's register is not what the plan draws from.
    let mut nurse = world.experts("users/nurse", HEALTH, &[Role::Handler]).await;
    let theirs = pb::CreateExpertRequest { parent: HEALTH.into(), ..create(covering("WJ-1")) };
    assert_eq!(nurse.create_expert(theirs).await.unwrap().into_inner().pending_change, "");

    let stated = city.stated().await;
    assert_eq!(reason(experts.create_expert(create(covering("KF-5"))).await), "REGISTER_GUARDED");
    city.enter_both(&stated).await;
    city.advance(CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(BEACON - CLOSE);
    city.until(&stated.name, DrawState::Dispatched).await;
    let mut experts = clerk(world).await;
    let at_once = experts.create_expert(create(covering("KF-5"))).await.unwrap().into_inner();
    assert_eq!((at_once.pending_change.as_str(), at_once.etag.as_str()), ("", "1"));
}
