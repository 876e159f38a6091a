//! Signing in (art. 27).

use chrono::TimeDelta;
use kit::{auth::Authenticator, testing::HANG_MAX};
use proto::qingtian::{access::v1::Role, identity::v1 as pb};
use tonic::Code;

use crate::city::{City, Client, PASSWORD, person, refused};

#[tokio::test]
async fn a_registered_user_signs_in_is_known_everywhere_and_signs_out() {
    let city = City::new().await;
    let request = pb::CreateUserRequest {
        user: Some(person("li.wei", &[Role::Officer])),
        verification: crate::city::VERIFIED.into(),
        ..Default::default()
    };
    let created = city.operator().await.create_user(request).await.unwrap().into_inner();
    assert_eq!(created.password.chars().count(), 22, "a first password is made and shown");

    let opened = city.sign_in(" Li.Wei ", &created.password).await.unwrap();
    assert_eq!(opened.sign_in.len(), 43);
    assert_eq!(opened.user.as_ref().unwrap().name, created.user.as_ref().unwrap().name);
    assert_eq!(opened.organisation.as_ref().unwrap().name, "organisations/market");
    let token = opened.token.unwrap();
    let now = city.harness.clock.now();
    assert_eq!(token.expire_time.unwrap().seconds, (now + TimeDelta::minutes(5)).timestamp());
    let caller = Authenticator::verify(&city.harness.env.authenticator, &token.token).unwrap();
    assert_eq!(
        (caller.organisation.as_str(), caller.district.as_str(), caller.certificate.as_str(), caller.roles.as_slice()),
        ("organisations/market", "410200", "41020017-li.wei", [Role::Officer].as_slice()),
    );
    let me = city.bearer(&token).await.get_me(pb::GetMeRequest {}).await.unwrap().into_inner();
    assert_eq!(me.real_name, "李伟");

    city.harness.clock.advance(TimeDelta::minutes(6));
    let late = city.bearer(&token).await.get_me(pb::GetMeRequest {}).await;
    refused(late, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    let token = city.refresh(&opened.sign_in).await.unwrap();
    city.bearer(&token).await.get_me(pb::GetMeRequest {}).await.unwrap();

    let close = pb::CloseSignInRequest { sign_in: opened.sign_in.clone() };
    city.gateway().await.close_sign_in(close.clone()).await.unwrap();
    city.gateway().await.close_sign_in(close).await.expect("signing out twice is signing out");
    refused(city.refresh(&opened.sign_in).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let city = City::new().await;
    city.register("li.wei", &[Role::Handler]).await;
    let wrong = city.sign_in("li.wei", "Kaifeng-2026-other").await.unwrap_err();
    for (name, password) in [("nobody", PASSWORD), ("", PASSWORD), ("x'--", PASSWORD), ("li.wei", "")] {
        let answer = city.sign_in(name, password).await.unwrap_err();
        assert_eq!((answer.code(), answer.message()), (wrong.code(), wrong.message()), "{name}");
    }
    refused(Err::<(), _>(wrong), Code::Unauthenticated, "WRONG_PASSWORD", "27");
    assert_eq!(city.count("sign_in").await, 0, "nothing half-done");
}

#[tokio::test]
async fn five_failures_lock_for_fifteen_minutes_known_and_unknown_names_alike() {
    let mut city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    for name in ["li.wei", "nobody"] {
        for _ in 0..5 {
            refused(city.sign_in(name, "wrong").await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
        }
        let refusal = refused(city.sign_in(name, PASSWORD).await, Code::PermissionDenied, "LOCKED_OUT", "27");
        assert_eq!(refusal["until"], "2026-11-23 09:15:00 +08:00");
    }
    let get = pb::GetUserRequest { name: user.name.clone() };
    let shown = city.operator().await.get_user(get.clone()).await.unwrap().into_inner();
    assert!(shown.locked_until.is_some());

    // The lock stands in the database: a restart gives no more guesses.
    city.harness.restart(|env| Box::pin(async move { Ok(vec![identity::start(env).await?]) })).await.unwrap();
    refused(city.sign_in("LI.WEI", PASSWORD).await, Code::PermissionDenied, "LOCKED_OUT", "27");
    city.harness.clock.advance(TimeDelta::minutes(15));
    city.sign_in("li.wei", PASSWORD).await.unwrap();
    let shown = city.operator().await.get_user(get).await.unwrap().into_inner();
    assert_eq!(shown.locked_until, None);
}

#[tokio::test]
async fn many_guesses_at_once_are_no_more_than_five() {
    let city = City::new().await;
    city.register("li.wei", &[Role::Handler]).await;
    let guesses = (0..12).map(|number| {
        let city = &city;
        async move { city.sign_in("li.wei", &format!("wrong {number}")).await.unwrap_err().code() }
    });
    let answers = futures::future::join_all(guesses).await;
    assert_eq!(answers.iter().filter(|code| **code == Code::Unauthenticated).count(), 5, "{answers:?}");
    assert_eq!(answers.iter().filter(|code| **code == Code::PermissionDenied).count(), 7, "{answers:?}");
}

#[tokio::test]
async fn a_sign_in_ends_unused_after_two_hours_and_used_after_twelve() {
    let city = City::new().await;
    city.register("li.wei", &[Role::Handler]).await;
    let idle = city.sign_in("li.wei", PASSWORD).await.unwrap().sign_in;
    let used = city.sign_in("li.wei", PASSWORD).await.unwrap().sign_in;
    for _ in 0..11 {
        city.harness.clock.advance(TimeDelta::hours(1));
        city.refresh(&used).await.unwrap();
    }
    refused(city.refresh(&idle).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    city.harness.clock.advance(TimeDelta::hours(1));
    refused(city.refresh(&used).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    refused(city.refresh("guessed").await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
}

/// Waits until the client's token is void; how long that took is told.
pub async fn no_longer_known(client: &mut Client) {
    let since = std::time::Instant::now();
    let out = async { while client.get_me(pb::GetMeRequest {}).await.is_ok() {} };
    tokio::time::timeout(HANG_MAX, out).await.expect("the token still works");
    println!("a token was void after {} ms", since.elapsed().as_millis());
}

#[tokio::test]
async fn a_frozen_user_is_out_everywhere_before_the_token_ends() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let opened = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let mut client = city.bearer(opened.token.as_ref().unwrap()).await;
    client.get_me(pb::GetMeRequest {}).await.unwrap();
    city.freeze(&mut city.operator().await, &user).await.unwrap();

    no_longer_known(&mut client).await;
    refused(client.get_me(pb::GetMeRequest {}).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    refused(city.refresh(&opened.sign_in).await, Code::PermissionDenied, "USER_FROZEN", "27");
    refused(city.sign_in("li.wei", PASSWORD).await, Code::PermissionDenied, "USER_FROZEN", "27");
    refused(city.sign_in("li.wei", "wrong").await, Code::Unauthenticated, "WRONG_PASSWORD", "27");

    let frozen =
        city.operator().await.get_user(pb::GetUserRequest { name: user.name.clone() }).await.unwrap().into_inner();
    let unfreeze = pb::UnfreezeUserRequest { name: user.name, etag: frozen.etag, request_id: String::new() };
    city.operator().await.unfreeze_user(unfreeze).await.unwrap();
    refused(city.refresh(&opened.sign_in).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    let again = city.sign_in("li.wei", PASSWORD).await.unwrap();
    city.bearer(&again.token.unwrap()).await.get_me(pb::GetMeRequest {}).await.unwrap();
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sign_ins() {
    let city = City::new().await;
    let user = city.register("li.wei", &[Role::Handler]).await;
    let other = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let own = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let mut client = city.bearer(own.token.as_ref().unwrap()).await;
    let change =
        |old: &str, new: &str| pb::ChangePasswordRequest { old_password: old.into(), new_password: new.into() };

    let new = "Kaifeng-2027-market";
    let wrong = client.change_password(change("wrong", new)).await;
    refused(wrong, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    for weak in ["Short-1", "nothing but letters", "Li.Wei-is-me-2026", PASSWORD] {
        let refusal =
            refused(client.change_password(change(PASSWORD, weak)).await, Code::InvalidArgument, "WEAK_PASSWORD", "27");
        assert!(!refusal["problem"].is_empty());
    }
    city.sign_in("li.wei", PASSWORD).await.expect("nothing was changed by what was refused");

    client.change_password(change(PASSWORD, new)).await.unwrap();
    no_longer_known(&mut client).await;
    refused(city.refresh(&other.sign_in).await, Code::Unauthenticated, "NOT_SIGNED_IN", "27");
    let token = city.refresh(&own.sign_in).await.expect("the own sign-in stays");
    let me = city.bearer(&token).await.get_me(pb::GetMeRequest {}).await.unwrap().into_inner();
    assert_eq!((me.name, me.etag.as_str()), (user.name, "2"));
    refused(city.sign_in("li.wei", PASSWORD).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    city.sign_in("li.wei", new).await.unwrap();
}

#[tokio::test]
async fn guessing_the_password_from_a_stolen_session_locks_too() {
    let city = City::new().await;
    city.register("li.wei", &[Role::Handler]).await;
    let opened = city.sign_in("li.wei", PASSWORD).await.unwrap();
    let mut client = city.bearer(&opened.token.unwrap()).await;
    let guess =
        || pb::ChangePasswordRequest { old_password: "wrong".into(), new_password: "Kaifeng-2027-market".into() };
    for _ in 0..5 {
        refused(client.change_password(guess()).await, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    }
    refused(client.change_password(guess()).await, Code::PermissionDenied, "LOCKED_OUT", "27");
}

#[tokio::test]
async fn a_machine_client_gets_a_token_for_its_secret() {
    let city = City::new().await;
    let request = pb::CreateMachineClientRequest { title: "市场监管局业务系统".into(), ..Default::default() };
    let made = city.admin().await.create_machine_client(request).await.unwrap().into_inner();
    assert_eq!(made.secret.len(), 43);
    let mut anybody = pb::identity_client::IdentityClient::new(city.harness.anonymous().await.unwrap());
    let issue = |client: &str, secret: &str| pb::IssueTokenRequest { client: client.into(), secret: secret.into() };
    let token = anybody.issue_token(issue(&made.name, &made.secret)).await.unwrap().into_inner();
    let me = city.bearer(&token).await.get_me(pb::GetMeRequest {}).await.unwrap().into_inner();
    assert_eq!((me.name.as_str(), me.organisation.as_str()), (made.name.as_str(), "organisations/market"));
    assert_eq!(me.roles, [Role::Integrator as i32]);

    let stranger = anybody.issue_token(issue("machineClients/none", &made.secret)).await;
    refused(stranger, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    let owner = city.harness.owner_pool("identity").await.unwrap();
    sqlx::query("update machine_client set state = 'FROZEN'").execute(&owner).await.unwrap();
    let frozen = anybody.issue_token(issue(&made.name, &made.secret)).await;
    refused(frozen, Code::PermissionDenied, "USER_FROZEN", "27");
    for _ in 0..5 {
        let wrong = anybody.issue_token(issue(&made.name, "wrong")).await;
        refused(wrong, Code::Unauthenticated, "WRONG_PASSWORD", "27");
    }
    let locked = anybody.issue_token(issue(&made.name, &made.secret)).await;
    refused(locked, Code::PermissionDenied, "LOCKED_OUT", "27");
}

#[tokio::test]
async fn no_secret_is_stored_as_it_was_shown() {
    let city = City::new().await;
    let mut operator = city.operator().await;
    let request = pb::CreateUserRequest {
        user: Some(person("li.wei", &[Role::Handler])),
        request_id: "one".into(),
        verification: crate::city::VERIFIED.into(),
        ..Default::default()
    };
    let password = operator.create_user(request).await.unwrap().into_inner().password;
    let request = pb::CreateMachineClientRequest {
        title: "系统".into(),
        organisation: "organisations/market".into(),
        request_id: "two".into(),
    };
    let secret = operator.create_machine_client(request).await.unwrap().into_inner().secret;
    let handle = city.sign_in("li.wei", &password).await.unwrap().sign_in;

    let pool = city.harness.owner_pool("identity").await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar("select tablename::text from pg_tables where schemaname = 'public'")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert!(tables.len() > 8, "{tables:?}");
    for table in tables {
        let sql = format!("select coalesce(string_agg(t::text, ' '), '') from \"{table}\" t");
        let text: String = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap();
        for shown in [&password, &secret, &handle] {
            // Bytes are printed in hexadecimal.
            assert!(!text.contains(shown.as_str()) && !text.contains(&hex::encode(shown)), "{table} holds a secret");
        }
    }
}
