//! Who learns the names and interests of experts, and what for (art. 44).

use super::*;

/// Entries of the audit, so far, that hold this text.
async fn audited(world: &World, text: &str) -> i64 {
    world.harness.sequenced("draws").await.unwrap();
    let sql = "select count(*) from log where position(convert_to($1, 'UTF8') in bytes) > 0";
    sqlx::query_scalar(sql).bind(text).fetch_one(&world.pool).await.unwrap()
}

/// Registering, changing and retiring used to be answered whole, and the answer was kept in plain text for repetitions.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_for_repetitions_holds_nothing_that_is_sealed() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    let request = pb::CreateExpertRequest { request_id: "create".into(), ..create(expert("KF-1")) };
    let made = experts.create_expert(request.clone()).await.unwrap().into_inner();
    assert_eq!(experts.create_expert(request).await.unwrap().into_inner(), made);
    let changed =
        pb::Expert { name: made.name.clone(), etag: made.etag, employer: "郑州大学".into(), ..expert("KF-1") };
    let request = pb::UpdateExpertRequest { expert: Some(changed), request_id: "update".into(), reason: String::new() };
    let updated = experts.update_expert(request.clone()).await.unwrap().into_inner();
    assert_eq!(experts.update_expert(request).await.unwrap().into_inner(), updated);
    let request = pb::SetExpertStateRequest {
        name: made.name.clone(),
        state: pb::ExpertState::Retired as i32,
        reason: "退休".into(),
        etag: updated.etag.clone(),
        request_id: "retire".into(),
    };
    let retired = experts.set_expert_state(request.clone()).await.unwrap().into_inner();
    assert_eq!(experts.set_expert_state(request).await.unwrap().into_inner(), retired);
    for answer in [&updated, &retired] {
        assert_eq!((answer.real_name.as_str(), answer.interests.len()), ("张＊＊", 0));
    }
    assert_eq!((updated.employer.as_str(), retired.retire_reason.as_str()), ("郑州大学", "退休"));
    let kept: Vec<Vec<u8>> = sqlx::query_scalar("select answer from idempotency").fetch_all(&world.pool).await.unwrap();
    assert_eq!(kept.len(), 3);
    for private in ["张建国", "某协会", "理事"] {
        assert!(kept.iter().all(|answer| !String::from_utf8_lossy(answer).contains(private)), "{private}");
    }
    // Whoever sends a masked answer back would overwrite the name.
    let back = pb::Expert { interests: Vec::new(), ..updated };
    let back = pb::UpdateExpertRequest { expert: Some(back), ..Default::default() };
    let (why, told) = refusal_of(&experts.update_expert(back).await.unwrap_err());
    assert_eq!((why.as_str(), told["field"].as_str()), ("INVALID", "expert.real_name"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expert_is_found_by_his_name_for_a_purpose_and_that_is_audited() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    for (key, name) in [("KF-1", "王芳"), ("KF-2", "李强"), ("KF-3", "王芳")] {
        experts.create_expert(create(pb::Expert { real_name: name.into(), ..expert(key) })).await.unwrap();
    }
    let named =
        |name: &str| pb::ListExpertsRequest { parent: MARKET.into(), real_name: name.into(), ..Default::default() };
    assert_eq!(reason(experts.list_experts(named("王芳")).await), "PURPOSE_MISSING");
    let keys = |answer: pb::ListExpertsResponse| {
        answer.experts.into_iter().map(|one| (one.key, one.real_name)).collect::<Vec<_>>()
    };
    let before = audited(&world, "register-upkeep").await;
    let found = experts.list_experts(stating_purpose(named(" 王芳 "))).await.unwrap().into_inner();
    assert_eq!(found.total_size, 2);
    let masked = |key: &str| (key.to_owned(), "王＊".to_owned());
    assert_eq!(keys(found), [masked("KF-1"), masked("KF-3")]);
    assert_eq!(audited(&world, "register-upkeep").await, before + 1);
    let none = experts.list_experts(stating_purpose(named("王"))).await.unwrap().into_inner();
    assert_eq!((keys(none).len(), audited(&world, "register-upkeep").await), (0, before + 2), "only whole names");
    assert_eq!(audited(&world, "王芳").await, 0, "the name itself is not in the audit");
    // A list without a name is no such read, whatever is stated.
    let all = pb::ListExpertsRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(experts.list_experts(stating_purpose(all)).await.unwrap().into_inner().total_size, 3);
    assert_eq!(audited(&world, "register-upkeep").await, before + 2);
    // Who may not read a name does not find by it either.
    let mut officer = world.experts("users/li", MARKET, &[Role::Officer]).await;
    assert_eq!(reason(officer.list_experts(stating_purpose(named("王芳"))).await), "ROLE_MISSING");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_above_the_limit_in_force_is_refused_with_what_to_do() {
    let world = World::start().await;
    let mut experts = world.experts("users/clerk", MARKET, &[Role::Handler]).await;
    for (key, name) in [("KF-1", "王芳"), ("KF-2", "李强"), ("KF-3", "赵敏")] {
        experts.create_expert(create(pb::Expert { real_name: name.into(), ..expert(key) })).await.unwrap();
    }
    let all = pb::ExportExpertsRequest { parent: MARKET.into(), ..Default::default() };
    assert_eq!(exported(&mut experts, all.clone()).await.unwrap().lines().count(), 4);
    let audits = audited(&world, "register-upkeep").await;
    assert_eq!(audits, 1);

    let today = kit::workdays::legal_day(world.harness.clock.now());
    let owner = world.harness.owner_pool("draws").await.unwrap();
    let insert = "insert into export_setting (version, effective_on, field, experts_max, basis) values ($1, $2, '全市', $3, '测试')";
    for (version, day, most) in [("today", today, 2), ("ahead", today.succ_opt().unwrap(), 1)] {
        sqlx::query(insert).bind(version).bind(day).bind(most).execute(&owner).await.unwrap();
    }
    let (why, told) = refusal_of(&exported(&mut experts, all.clone()).await.unwrap_err());
    assert_eq!((why.as_str(), told["article"].as_str()), ("EXPORT_OVER_LIMIT", "44"));
    assert_eq!((told["n"].as_str(), told["limit"].as_str()), ("3", "2"));
    // As many as the limit, and by what the purpose needs.
    for narrowed in [
        pb::ExportExpertsRequest { query: "KF-2".into(), ..all.clone() },
        pb::ExportExpertsRequest { real_name: "李强".into(), ..all.clone() },
    ] {
        let table = exported(&mut experts, narrowed).await.unwrap();
        assert!(table.lines().count() == 2 && table.contains("李强"), "{table}");
    }
    assert!(sqlx::query("update export_setting set experts_max = 9").execute(&owner).await.is_err());
    let refused = sqlx::query(insert).bind("own").bind(today).bind(9).execute(&world.pool).await.unwrap_err();
    assert!(refused.to_string().contains("permission denied"), "{refused}");
}
