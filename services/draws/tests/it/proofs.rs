//! A firm gets its own line of a draw by a one-time code (art. 10; protocol, section 7).

use chrono::Duration;
use kit::testing::{UserChannel, refusal_of};
use lottery::{
    own_line::OwnLine,
    verify::{Beside, Options, Report, Verdict, verify_with},
};
use proto::qingtian::{
    access::v1::Role,
    draws::v1::{
        self as pb, IssueProofCodeRequest, ListProofCodesRequest, OwnLine as Told, ProofCode, ProofCodeState,
        RedeemProofCodeRequest, proofs_client::ProofsClient,
    },
};
use tonic::{Status, transport::Channel};

use crate::{
    draws::city::{City, SUPERVISION, gone, plan},
    world::{HEALTH, LONGTING, MARKET, code},
};

async fn proofs(city: &City, organisation: &str, roles: &[Role]) -> ProofsClient<UserChannel> {
    ProofsClient::new(city.world.harness.user("users/clerk", organisation, roles).await.unwrap())
}

async fn issue(city: &City, draw: &str, subject: &str) -> Result<ProofCode, Status> {
    let request = IssueProofCodeRequest { draw: draw.to_owned(), subject: subject.to_owned() };
    Ok(proofs(city, MARKET, &[Role::Handler]).await.issue_proof_code(request).await?.into_inner())
}

/// As anybody, without signing in.
async fn redeem(city: &City, draw: &str, code: &str) -> Result<Told, Status> {
    let mut anybody: ProofsClient<Channel> = ProofsClient::new(city.world.harness.anonymous().await.unwrap());
    let request = RedeemProofCodeRequest { draw: draw.to_owned(), code: code.to_owned() };
    Ok(anybody.redeem_proof_code(request).await?.into_inner())
}

async fn list(city: &City, draw: &str, query: &str) -> Vec<ProofCode> {
    let request = ListProofCodesRequest { parent: draw.to_owned(), query: query.to_owned(), ..Default::default() };
    let found = proofs(city, MARKET, &[Role::Reviewer]).await.list_proof_codes(request).await.unwrap().into_inner();
    assert_eq!(found.total_size, i64::try_from(found.proof_codes.len()).unwrap());
    found.proof_codes
}

fn reason<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    refusal_of(&answer.unwrap_err()).0
}

/// Rechecks the evidence of a draw with a kept line, as its firm would.
async fn verify(city: &City, draw: &pb::Draw, kept: &[u8]) -> Report {
    let env = &city.world.harness.env;
    let digest = kit::blob::Digest::parse(&draw.evidence_digest).unwrap();
    let bundle = env.blobs.read(digest, 1 << 30).await.unwrap();
    let jwks = env.keys.jwks();
    let options = Options { jwks: Some(&jwks), demo: true, ..Options::default() };
    verify_with(bundle.as_slice(), &options, &Beside { own_line: Some(kept), ..Beside::default() })
}

async fn first_drawn(city: &City, draw: &str) -> pb::Drawn {
    let request = pb::ListDrawnRequest { parent: draw.to_owned(), ..Default::default() };
    city.handler().await.list_drawn(request).await.unwrap().into_inner().drawn.remove(0)
}

async fn audit_of(city: &City, actor: &str) -> i64 {
    let sql = format!("select count(*) from log where position(convert_to('{actor}', 'UTF8') in bytes) > 0");
    city.world.count(&sql).await
}

#[tokio::test]
async fn a_firm_gets_its_line_with_a_proof_that_verifies_and_a_changed_byte_that_does_not() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let drawn = first_drawn(&city, &draw.name).await;
    let code = issue(&city, &draw.name, &drawn.subject).await.unwrap();
    assert_eq!(
        (code.title.as_str(), code.state(), code.page.as_str()),
        (drawn.title.as_str(), ProofCodeState::Issued, "/draws/2026-0001/own-line")
    );
    // As it is typed from a slip.
    let own = redeem(&city, &draw.name, &code.code.to_lowercase().replace('-', " ")).await.unwrap();
    assert!(own.drawn);
    assert_eq!(
        (&own.subject, &own.title, &own.stratum, &own.ticket, &own.officers),
        (&drawn.subject, &drawn.title, &drawn.stratum, &drawn.ticket, &drawn.officers)
    );
    assert_eq!(own.line, format!("{}\t{}\t{}", drawn.subject, drawn.stratum, drawn.district));
    let report = verify(&city, &draw, own.own_line_json.as_bytes()).await;
    assert_eq!(report.verdict, Verdict::Verified, "{report:#?}");
    for at in 0..own.own_line_json.len() {
        let mut changed = own.own_line_json.clone().into_bytes();
        changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
        let report = verify(&city, &draw, &changed).await;
        assert_eq!(report.verdict, Verdict::NotVerified, "byte {at}");
    }
}

#[tokio::test]
async fn who_was_not_drawn_and_who_was_left_out_get_theirs_too() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let drawn = first_drawn(&city, &draw.name).await.subject;
    let undrawn = (0..60).map(|n| code(LONGTING, n)).find(|key| *key != drawn).unwrap();
    for key in [undrawn, gone()] {
        let issued = issue(&city, &draw.name, &key).await.unwrap();
        let own = redeem(&city, &draw.name, &issued.code).await.unwrap();
        let kept = OwnLine::parse(own.own_line_json.as_bytes()).unwrap();
        assert_eq!((kept.line.as_str(), kept.draw_id.as_str()), (own.line.as_str(), draw.name.as_str()));
        if key == gone() {
            assert_eq!((own.file.as_str(), own.left_out_reason.as_str()), ("left_out.tsv", "DEREGISTERED"));
            assert_eq!((own.ticket.as_str(), own.proof.len(), kept.pool), ("", 0, None));
        } else {
            assert_eq!((own.file.as_str(), own.subjects), ("subjects.tsv", draw.subjects));
        }
        assert_eq!(verify(&city, &draw, own.own_line_json.as_bytes()).await.verdict, Verdict::Verified);
    }
}

#[tokio::test]
async fn a_code_works_once_and_ceases_when_a_new_one_is_issued() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let key = code(LONGTING, 7);
    let first = issue(&city, &draw.name, &key).await.unwrap();
    let second = issue(&city, &draw.name, &key).await.unwrap();
    assert_ne!(first.code, second.code);
    assert_eq!(reason(redeem(&city, &draw.name, &first.code).await), "PROOF_CODE_REVOKED");
    redeem(&city, &draw.name, &second.code).await.unwrap();
    assert_eq!(reason(redeem(&city, &draw.name, &second.code).await), "PROOF_CODE_USED");
    let codes = list(&city, &draw.name, "").await;
    let states: Vec<_> = codes.iter().map(|code| (code.name.as_str(), code.state())).collect();
    let name = |n: u32| format!("{}/proofCodes/{n}", draw.name);
    assert_eq!(states, [(name(2).as_str(), ProofCodeState::Used), (name(1).as_str(), ProofCodeState::Revoked)]);
    assert!(codes.iter().all(|code| code.code.is_empty()), "a code is told once");
    assert_eq!(list(&city, &draw.name, "nobody").await, []);
    // Only digests are kept, nowhere the code itself; its use is in the audit under the code's name.
    for kept in ["proof_code", "proof_use", "idempotency", "outbox", "log"] {
        for code in [&first.code, &second.code] {
            let plain = code.replace('-', "");
            let sql = format!(
                "select count(*) from {kept} t where strpos(t::text, '{code}') + strpos(t::text, '{plain}') > 0"
            );
            assert_eq!(city.world.count(&sql).await, 0, "{kept}");
        }
    }
    crate::world::until("the use is audited", || async { audit_of(&city, &name(2)).await > 0 }).await;
}

#[tokio::test]
async fn of_many_who_use_one_code_at_once_one_gets_the_line() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let issued = issue(&city, &draw.name, &code(LONGTING, 3)).await.unwrap();
    let all = futures::future::join_all((0..8).map(|_| redeem(&city, &draw.name, &issued.code))).await;
    assert_eq!(all.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(all.into_iter().filter(Result::is_err).all(|answer| reason(answer) == "PROOF_CODE_USED"));
}

#[tokio::test]
async fn a_forged_a_foreign_and_an_expired_code_open_nothing() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let issued = issue(&city, &draw.name, &code(LONGTING, 7)).await.unwrap();
    let last = if issued.code.ends_with('0') { "1" } else { "0" };
    let forged = format!("{}{last}", &issued.code[..issued.code.len() - 1]);
    for wrong in [forged.as_str(), "", "0000-0000-0000-0000", "not a code", &"7".repeat(5_000)] {
        assert_eq!(reason(redeem(&city, &draw.name, wrong).await), "PROOF_CODE_UNKNOWN", "{wrong}");
    }
    assert_eq!(reason(redeem(&city, "draws/2026-0002", &issued.code).await), "PROOF_CODE_UNKNOWN");
    city.world.harness.clock.advance(Duration::days(30));
    assert_eq!(reason(redeem(&city, &draw.name, &issued.code).await), "PROOF_CODE_EXPIRED");
    assert_eq!(list(&city, &draw.name, &code(LONGTING, 7)).await[0].state(), ProofCodeState::Expired);
    let again = issue(&city, &draw.name, &code(LONGTING, 7)).await.unwrap();
    redeem(&city, &draw.name, &again.code).await.unwrap();
}

#[tokio::test]
async fn codes_are_issued_by_the_drawing_unit_for_its_revealed_draws_and_their_scope_alone() {
    let city = City::start().await;
    let stated = city.stated().await;
    assert_eq!(reason(issue(&city, &stated.name, &code(LONGTING, 7)).await), "WRONG_STATE");
    city.enter_both(&stated).await;
    city.advance(crate::draws::city::CLOSE);
    city.until_closed(&stated.name).await;
    city.advance(crate::draws::city::BEACON - crate::draws::city::CLOSE);
    let draw = city.until(&stated.name, pb::DrawState::Dispatched).await;
    for nobody in [code(LONGTING, 999).as_str(), "", "x"] {
        assert_eq!(reason(issue(&city, &draw.name, nobody).await), "NOT_IN_DRAWS_SCOPE", "{nobody}");
    }
    let request = IssueProofCodeRequest { draw: draw.name.clone(), subject: code(LONGTING, 7) };
    for organisation in [HEALTH, SUPERVISION] {
        let mut other = proofs(&city, organisation, &[Role::Handler, Role::Reviewer]).await;
        assert_eq!(reason(other.issue_proof_code(request.clone()).await), "NOT_FOUND");
        let listing = ListProofCodesRequest { parent: draw.name.clone(), ..Default::default() };
        assert_eq!(reason(other.list_proof_codes(listing).await), "NOT_FOUND");
    }
    let mut auditor = proofs(&city, SUPERVISION, &[Role::Auditor]).await;
    let listing = ListProofCodesRequest { parent: draw.name.clone(), ..Default::default() };
    assert_eq!(auditor.list_proof_codes(listing).await.unwrap().into_inner().total_size, 0);
    assert_eq!(reason(auditor.issue_proof_code(request).await), "ROLE_MISSING");
}

#[tokio::test]
async fn nobody_changes_or_removes_what_was_issued_and_used() {
    let city = City::start().await;
    let draw = city.whole_draw().await;
    let issued = issue(&city, &draw.name, &code(LONGTING, 7)).await.unwrap();
    redeem(&city, &draw.name, &issued.code).await.unwrap();
    let owner = city.world.harness.owner_pool("draws").await.unwrap();
    for sql in [
        "update proof_code set expires_at = expires_at + interval '1 year'",
        "delete from proof_use",
        "truncate proof_use",
        "truncate proof_code cascade",
    ] {
        let refused = sqlx::query(sql).execute(&owner).await.unwrap_err();
        assert!(refused.to_string().contains("is never changed or removed"), "{sql}: {refused}");
    }
}

/// Where the register is withheld and the visits are unannounced: nothing before the day, and then the line with its salt.
#[tokio::test]
async fn a_withheld_line_comes_with_its_salt_and_not_before_its_day() {
    let city = City::start().await;
    let withheld = pb::Withholding {
        basis: "信用分类不对外公布".into(),
        files: vec!["left_out.tsv".into(), "subjects.tsv".into()],
    };
    let publish_after =
        pb::PublishAfter { basis: "食品安全法第一百零九条".into(), date: "2027-01-05".into() };
    let plan = pb::Plan {
        withheld: Some(withheld),
        publish_after: Some(publish_after),
        title: "不预先告知的抽查".into(),
        ..plan()
    };
    let mut city = city;
    city.plan = city.publish(plan).await;
    let draw = city.whole_draw().await;
    let drawn = first_drawn(&city, &draw.name).await;
    let issued = issue(&city, &draw.name, &drawn.subject).await.unwrap();
    assert_eq!(reason(redeem(&city, &draw.name, &issued.code).await), "NOT_PUBLIC_YET");
    let day: chrono::DateTime<chrono::Utc> = "2027-01-04T16:00:00Z".parse().unwrap();
    city.world.harness.clock.advance(day - Duration::seconds(1) - city.now());
    assert_eq!(reason(redeem(&city, &draw.name, &issued.code).await), "NOT_PUBLIC_YET");
    city.advance(1);
    // Nothing was used up by asking too early, and the code lives a month from the day on.
    let own = redeem(&city, &draw.name, &issued.code).await.unwrap();
    assert_eq!(own.line.split('\t').count(), 4, "{}", own.line);
    let report = verify(&city, &draw, own.own_line_json.as_bytes()).await;
    assert_eq!(report.verdict, Verdict::Partly, "{report:#?}");
    let open: Vec<_> =
        report.checks.iter().filter(|check| check.id.starts_with("line_") && check.ok.is_none()).collect();
    assert_eq!(open.iter().map(|check| check.id).collect::<Vec<_>>(), ["line_threshold"]);
    let changed = own.own_line_json.replace(&own.line[own.line.len() - 4..], "0000");
    assert_eq!(verify(&city, &draw, changed.as_bytes()).await.verdict, Verdict::NotVerified);
    let left_out = issue(&city, &draw.name, &gone()).await.unwrap();
    let own = redeem(&city, &draw.name, &left_out.code).await.unwrap();
    assert_eq!((own.left_out_reason.as_str(), own.line.split('\t').count()), ("DEREGISTERED", 3));
}
