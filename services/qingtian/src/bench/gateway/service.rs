//! The service that is asked, in a process of its own: the portal over PostgreSQL, behind the same guard and telemetry as ever.
//! Its items are held in memory, read from its table at the start, since else the database would do most of the work and hide
//! what stands in front of the service. All else it answers as the portal does.

use std::{
    convert::Infallible,
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll},
};

use clap::Args;
use futures::future::BoxFuture;
use kit::{
    env::{Clock, Databases, Env, Parts},
    keys::Keys,
    ledger::Ledger,
    peers::Peers,
    serve::Part,
    telemetry::Telemetry,
};
use prost::Message;
use proto::qingtian::{
    catalog::v1::{CheckEntry, Item, ItemGrade, ItemState},
    portal::v1::{GetItemRequest, ListItemsRequest, ListItemsResponse},
};
use sqlx::{Connection, PgConnection};
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, body::Body, codegen::Service, codegen::http, server::Grpc, server::NamedService,
};
use tonic_prost::ProstCodec;
use tower::service_fn;

use crate::up::Stop;

/// Items in the table.
const ITEMS: usize = 200;
/// Things to look at, of each item.
const CHECKS: usize = 6;
/// Whose items they are.
const ORGANISATION: &str = "organisations/bench";

/// Options of `bench gateway-service`.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// Database, as the service.
    #[arg(long)]
    database: String,
    /// Folder of keys and blobs.
    #[arg(long)]
    folder: PathBuf,
}

/// Name of the `n`th item.
pub fn item_name(n: usize) -> String {
    format!("{ORGANISATION}/items/{n}")
}

/// An item as departments write them.
fn item(n: usize) -> Item {
    let check = |nth: usize| CheckEntry {
        content: format!("第{nth}项：企业名称牌匾是否与登记的名称相符，营业执照是否置于住所或者营业场所的醒目位置"),
        method: "现场检查、网络核查、书面检查".to_owned(),
        penalty_basis: "《企业名称登记管理规定》第二十六条、《市场主体登记管理条例》第四十八条".to_owned(),
    };
    Item {
        name: item_name(n),
        code: n.to_string(),
        title: "登记事项检查".to_owned(),
        sub_title: format!("名称规范使用检查（{n}）"),
        legal_basis: "《企业名称登记管理规定》、《市场主体登记管理条例》".to_owned(),
        inspecting_body: "市、县（区）市场监督管理部门".to_owned(),
        subject_scope: "企业、个体工商户".to_owned(),
        ratio: "不低于3%".to_owned(),
        frequency: "每年1次".to_owned(),
        method: "现场检查、网络核查".to_owned(),
        officer_demand: "持有效执法证".to_owned(),
        remark: String::new(),
        grade: ItemGrade::General as i32,
        random_listed: true,
        checklist: (1..=CHECKS).map(check).collect(),
        state: ItemState::Published as i32,
        etag: "1".to_owned(),
        ..Item::default()
    }
}

/// Writes the items into the portal's table, as its owner.
///
/// # Errors
/// The server fails.
pub async fn fill(owner_url: &str) -> anyhow::Result<()> {
    let mut owner = PgConnection::connect(owner_url).await?;
    let items: Vec<Item> = (1..=ITEMS).map(item).collect();
    let column = |of: fn(&Item) -> &String| items.iter().map(of).cloned().collect::<Vec<_>>();
    let places: Vec<String> = (1..=ITEMS).map(|n| format!("{ORGANISATION}/{n:08}")).collect();
    let messages: Vec<Vec<u8>> = items.iter().map(Message::encode_to_vec).collect();
    sqlx::query(
        "insert into item (name, place, code, title, sub_title, message)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[])",
    )
    .bind(column(|item| &item.name))
    .bind(places)
    .bind(column(|item| &item.code))
    .bind(column(|item| &item.title))
    .bind(column(|item| &item.sub_title))
    .bind(messages)
    .execute(&mut owner)
    .await?;
    sqlx::raw_sql("vacuum (freeze, analyze) item").execute(&mut owner).await?;
    owner.close().await?;
    Ok(())
}

/// Serves until it is told to stop. The first line it prints is its address.
///
/// # Errors
/// The database or the folder cannot be used.
pub async fn serve(args: &ServiceArgs) -> anyhow::Result<()> {
    let mut stop = Stop::listen()?;
    let telemetry = Telemetry::start("portal", "info,sqlx=warn", Some(([127, 0, 0, 1], 0).into()))?;
    let env = Env::new(Parts {
        clock: Clock::System,
        keys: Keys::read(&args.folder.join("keys"))?,
        // It calls nobody.
        peers: Peers::new("http://127.0.0.1:1"),
        databases: Databases { url: args.database.clone(), migrate_url: None, connections_max: 8 },
        blob_folder: args.folder.join("blobs"),
    })?;
    let ledger = Ledger::open(&env, portal::PART)?;
    let rows = sqlx::query_scalar("select message from item order by place").fetch_all(ledger.pool()).await?;
    let items = rows.iter().map(|bytes: &Vec<u8>| Item::decode(bytes.as_slice())).collect::<Result<_, _>>()?;
    let held = Held { portal: portal::service(&env, &ledger), items };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let part = Part::new(ledger).migrated_to(&portal::SCHEMA).with(held);
    tokio::select! {
        () = stop.asked() => {}
        served = kit::serve::serve(env, vec![part], listener) => served?,
    }
    telemetry.stop();
    Ok(())
}

/// The portal with its items held.
#[derive(Clone)]
struct Held<S> {
    portal: S,
    items: Arc<[Item]>,
}

impl<S: NamedService> NamedService for Held<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Held<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.portal.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let items = self.items.clone();
        match request.uri().path() {
            "/qingtian.portal.v1.Portal/GetItem" => Box::pin(async move {
                let get = service_fn(async |asked: Request<GetItemRequest>| {
                    let found = items.iter().find(|item| item.name == asked.get_ref().name);
                    found.cloned().map(Response::new).ok_or_else(|| Status::not_found("no such item"))
                });
                Ok(Grpc::new(ProstCodec::default()).unary(get, request).await)
            }),
            "/qingtian.portal.v1.Portal/ListItems" => Box::pin(async move {
                let list = service_fn(async |asked: Request<ListItemsRequest>| {
                    let rows = usize::try_from(asked.get_ref().page_size).unwrap_or_default().min(items.len());
                    let next_page_token = items[rows - 1].name.clone();
                    Ok(Response::new(ListItemsResponse { items: items[..rows].to_vec(), next_page_token }))
                });
                Ok(Grpc::new(ProstCodec::default()).unary(list, request).await)
            }),
            _ => Box::pin(self.portal.call(request)),
        }
    }
}
