//! A city of two departments, and those who act in it.

use identity::{Bootstrap, bootstrap};
pub use kit::testing::refused;
use kit::{
    follow,
    ledger::Ledger,
    testing::{Harness, UserChannel},
};
use proto::qingtian::{
    access::v1::Role,
    identity::v1::{self as pb, identity_client::IdentityClient},
};
use tonic::{Response, Status};

pub type Client = IdentityClient<UserChannel>;

pub const OPERATOR_PASSWORD: &str = "Qingtian-First-2026";
pub const PASSWORD: &str = "Kaifeng-2026-market";
/// How real names are verified here.
pub const VERIFIED: &str = "核验居民身份证原件";

pub struct City {
    pub harness: Harness,
    /// The platform operator, as bootstrapped.
    pub operator: pb::User,
}

impl City {
    /// The bureau with its operator, and the departments `market` and `fire`.
    pub async fn new() -> Self {
        let harness = Harness::start(&[("identity", &identity::SCHEMA)], |env| {
            Box::pin(async move {
                let part = identity::start(env).await?;
                // As the binary does once for a process.
                follow::spawn_revocations(env, "identity")?;
                Ok(vec![part])
            })
        })
        .await
        .unwrap();
        let ledger = Ledger::open(&harness.env, "identity").unwrap();
        let operator = bootstrap(&ledger, first("operator")).await.unwrap();
        let city = Self { harness, operator };
        for id in ["market", "fire"] {
            city.operator().await.create_organisation(organisation(id)).await.unwrap();
        }
        city
    }

    pub async fn operator(&self) -> Client {
        self.user(&self.operator.name, "bigdata", &[Role::PlatformOperator]).await
    }

    /// An administrator of `market` who has no account: only what a token says counts.
    pub async fn admin(&self) -> Client {
        self.user("users/admin", "market", &[Role::DepartmentAdmin]).await
    }

    pub async fn user(&self, name: &str, organisation: &str, roles: &[Role]) -> Client {
        let organisation = format!("organisations/{organisation}");
        Client::new(self.harness.user(name, &organisation, roles).await.unwrap())
    }

    pub async fn gateway(&self) -> Client {
        Client::new(self.harness.service("gateway").await.unwrap())
    }

    pub async fn bearer(&self, token: &pb::AccessToken) -> Client {
        Client::new(self.harness.bearer(&token.token).await.unwrap())
    }

    /// Registers a user of `market` with [`PASSWORD`].
    pub async fn register(&self, username: &str, roles: &[Role]) -> pb::User {
        let request = pb::CreateUserRequest {
            user: Some(person(username, roles)),
            password: PASSWORD.into(),
            verification: VERIFIED.into(),
            ..Default::default()
        };
        self.operator().await.create_user(request).await.unwrap().into_inner().user.unwrap()
    }

    pub async fn sign_in(&self, username: &str, password: &str) -> Result<pb::OpenSignInResponse, Status> {
        let request =
            pb::OpenSignInRequest { username: username.into(), password: password.into(), address: "192.0.2.7".into() };
        self.gateway().await.open_sign_in(request).await.map(Response::into_inner)
    }

    pub async fn refresh(&self, sign_in: &str) -> Result<pb::AccessToken, Status> {
        let request = pb::RefreshTokenRequest { sign_in: sign_in.into() };
        self.gateway().await.refresh_token(request).await.map(Response::into_inner)
    }

    pub async fn freeze(&self, client: &mut Client, user: &pb::User) -> Result<pb::User, Status> {
        let request = pb::FreezeUserRequest {
            name: user.name.clone(),
            etag: user.etag.clone(),
            reason: "调离岗位".into(),
            request_id: String::new(),
        };
        client.freeze_user(request).await.map(Response::into_inner)
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &'static str) -> i64 {
        let pool = self.harness.pool("identity").await.unwrap();
        let sql = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&pool).await.unwrap()
    }
}

pub fn first(username: &str) -> Bootstrap<'_> {
    let organisation = pb::Organisation {
        title: "开封市政务服务和大数据管理局".into(),
        kind: pb::OrganisationKind::Unit as i32,
        district: "410200".into(),
        ..Default::default()
    };
    Bootstrap { organisation_id: "bigdata", organisation, username, real_name: "赵一", password: OPERATOR_PASSWORD }
}

pub fn organisation(id: &str) -> pb::CreateOrganisationRequest {
    let organisation = pb::Organisation {
        title: format!("开封市{id}局"),
        title_en: format!("Kaifeng {id} bureau"),
        kind: pb::OrganisationKind::Department as i32,
        district: "410200".into(),
        parent: "organisations/bigdata".into(),
        responsible: "周二".into(),
        enforcing: true,
        ..Default::default()
    };
    pb::CreateOrganisationRequest {
        organisation_id: id.into(),
        organisation: Some(organisation),
        request_id: String::new(),
    }
}

/// A person of `market`, with a certificate when an officer.
pub fn person(username: &str, roles: &[Role]) -> pb::User {
    let certificate = roles.contains(&Role::Officer).then(|| pb::Certificate {
        number: format!("41020017-{username}"),
        expire_date: "2027-12-31".into(),
        districts: vec!["410202".into()],
        specialties: vec!["food".into()],
    });
    pb::User {
        username: username.into(),
        real_name: "李伟".into(),
        organisation: "organisations/market".into(),
        roles: roles.iter().map(|role| *role as i32).collect(),
        certificate,
        ..Default::default()
    }
}
