//! The service Witnesses (art. 11, 15): parse, lock, decide, save, announce. Neither a link's secret nor its permit is ever
//! written down: not in the database, not in the audit, not in events or logs. Whoever tries secrets has 2^256 of them before
//! him; each try takes a connection of the database, and how many come from one address the gateway bounds: its limits
//! `rate_address` and `requests_address`.

use kit::{
    auth::Caller,
    error::{Reason, Refusal, Result},
    ledger::{Audience, Tx, timestamp},
};
use lottery::rules::{Contributor, Rules};
use proto::qingtian::draws::{
    events::v1 as events,
    v1::{self as pb, witnesses_server::Witnesses},
};
use tonic::{Request, Response, Status};

use super::{
    rules::{self, Link},
    secret::Secret,
    store,
};
use crate::draws::{
    Desk,
    entries::check_value,
    frozen,
    rules::Event,
    store::{self as draws, DrawRow},
    view,
};

/// Where a witness opens the link. The secret follows as the fragment, which no browser sends to any server.
const PAGE: &str = "/witness#";

/// The service.
pub struct Api {
    desk: Desk,
}

impl Api {
    /// A service at this desk.
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn issue(
        &self,
        caller: &Caller,
        request: pb::CreateWitnessLinkRequest,
    ) -> Result<pb::CreateWitnessLinkResponse> {
        // No request_id: the answer to a repetition would have to be kept, and it holds the secret.
        let mut tx = self.desk.ledger.begin(caller, "", &request).await?;
        let mut row = draws::lock_own(&mut tx, &request.draw, &caller.organisation).await?;
        let now = self.desk.env.clock.now();
        // As long as the entry could still be given.
        draws::standing(&mut tx, &row.name).await?.apply(Event::Enter, now)?;
        let contributing = draws::contributors(&mut tx, &row.name).await?;
        let links = store::links(&mut tx, std::slice::from_ref(&row.name)).await?;
        let place = rules::witness(&row.name, &contributing, &request.contributor, &links)?;
        let index = index_of(place)?;
        if store::entry(&mut tx, &row.name, index).await?.is_some() {
            return Err(Refusal::new(Reason::EntryGiven).with("contributor", &request.contributor));
        }
        let before = view::draw(&mut tx, &row).await?;
        let secret = Secret::new().map_err(Refusal::internal)?;
        let link = Link {
            draw: row.name.clone(),
            number: links.last().map_or(1, |last| last.number + 1),
            index,
            issued_by: caller.actor.clone(),
            issued_at: tx.now(),
            opened_at: None,
        };
        store::insert_link(&mut tx, &link, &secret.digest()).await?;
        let draw = moved(&mut tx, &mut row, &before, "签发见证链接 issued a witness's link").await?;
        let announced = shown(&link, &contributing, false);
        let event = events::WitnessLinkIssued { draw: row.name.clone(), link: Some(announced) };
        tx.emit(&row.name, row.revision, &event, Audience::Public)?;
        // The answer is kept nowhere, as there was no request_id.
        tx.commit(&()).await?;
        tracing::info!(draw.id = %row.name, witness = %request.contributor, link = link.number, "issued witness link");
        Ok(pb::CreateWitnessLinkResponse { path: format!("{PAGE}{}", secret.told()), draw: Some(draw) })
    }

    async fn open(&self, caller: &Caller, request: &pb::OpenWitnessLinkRequest) -> Result<pb::OpenWitnessLinkResponse> {
        let token = Secret::parse(&request.token)?;
        let (mut tx, mut row, link, contributing) = self.by_link(caller, &token, store::by_token).await?;
        link.check_unopened(row.entries_close)?;
        let now = self.desk.env.clock.now();
        draws::standing(&mut tx, &row.name).await?.apply(Event::Enter, now)?;
        if store::entry(&mut tx, &row.name, link.index).await?.is_some() {
            return Err(Refusal::new(Reason::EntryGiven).with("contributor", name_of(&link, &contributing)));
        }
        let before = view::draw(&mut tx, &row).await?;
        let permit = Secret::new().map_err(Refusal::internal)?;
        // One instant for the row, the event and the draw: that after the lock, at which it was still in time.
        let opened = Link { opened_at: Some(now), ..link };
        store::insert_opening(&mut tx, &opened, &permit.digest()).await?;
        let draw = moved(&mut tx, &mut row, &before, "打开见证链接 opened a witness's link").await?;
        let event =
            events::WitnessLinkOpened { draw: row.name.clone(), link: Some(shown(&opened, &contributing, false)) };
        tx.emit(&row.name, row.revision, &event, Audience::Public)?;
        tx.commit(&()).await?;
        tracing::info!(draw.id = %row.name, link = opened.number, "witness link was opened");
        let contributor = name_of(&opened, &contributing).to_owned();
        Ok(pb::OpenWitnessLinkResponse { draw: Some(view::public(&draw)), contributor, permit: permit.told() })
    }

    async fn enter(
        &self,
        caller: &Caller,
        request: &pb::AddWitnessEntryRequest,
    ) -> Result<pb::AddWitnessEntryResponse> {
        let permit = Secret::parse(&request.permit)?;
        let (mut tx, row, link, contributing) = self.by_link(caller, &permit, store::by_permit).await?;
        let statement = frozen::statement(&mut tx, &row.name).await?;
        let rules = Rules::parse(&statement.rules).map_err(Refusal::internal)?;
        // The foreign key of the link holds it within the contributors, which are counted from 1.
        let place = usize::try_from(link.index - 1).map_err(Refusal::internal)?;
        if let Some((value, given_at, given_by)) = store::entry(&mut tx, &row.name, link.index).await? {
            // A phone that lost the answer may ask again; whatever else was given stays.
            if given_by == link.name() && value == request.value {
                return receipt(&row, &rules, place, &value, given_at);
            }
            return Err(Refusal::new(Reason::EntryGiven).with("contributor", name_of(&link, &contributing)));
        }
        let standing = draws::standing(&mut tx, &row.name).await?;
        let state = standing.apply(Event::Enter, self.desk.env.clock.now())?;
        if request.statement != statement.digest {
            let problem = "与您收到的抽签声明的摘要不符，请核对声明后再提交 / not the digest of this draw's statement";
            return Err(Refusal::invalid("statement", problem));
        }
        check_value(&rules, place, &request.value)?;
        let given_at = tx.now();
        let answer = receipt(&row, &rules, place, &request.value, given_at)?;
        let contributor = name_of(&link, &contributing);
        self.desk.enter(&mut tx, row, (place, contributor), &request.value, state).await?;
        tx.commit(&()).await?;
        self.desk.wake();
        Ok(answer)
    }

    /// Begins an act by a link's secret or permit, under the lock of its draw. In the audit the link acts: its holder has no
    /// account. Whoever brings nothing that exists is refused before anything is written.
    async fn by_link(
        &self,
        caller: &Caller,
        secret: &Secret,
        find: impl AsyncFn(&mut sqlx::PgConnection, &str) -> Result<Link>,
    ) -> Result<(Tx, DrawRow, Link, Vec<Contributor>)> {
        let digest = secret.digest();
        let mut conn = self.desk.ledger.pool().acquire().await.map_err(Refusal::from)?;
        let link = find(&mut conn, &digest).await?;
        drop(conn);
        let acting = Caller { actor: link.name(), ..caller.clone() };
        let mut tx = self.desk.ledger.begin(&acting, "", &()).await?;
        let row = draws::lock_named(&mut tx, &link.draw).await?;
        // Asked again under the lock: whoever waited for it sees what was done meanwhile.
        let link = find(&mut tx, &digest).await?;
        link.check_newest(&store::links(&mut tx, std::slice::from_ref(&row.name)).await?)?;
        let contributing = draws::contributors(&mut tx, &row.name).await?;
        Ok((tx, row, link, contributing))
    }
}

/// Counts the draw's revision on, in the same state, and says for the audit what was changed.
async fn moved(tx: &mut Tx, row: &mut DrawRow, before: &pb::Draw, act: &str) -> Result<pb::Draw> {
    let state = crate::draws::rules::State::parse(&row.state)?;
    let actor = tx.caller().actor.clone();
    draws::save(tx, row, state, &actor, act).await?;
    let draw = view::draw(tx, row).await?;
    tx.changed(&row.name, Some(before), Some(&draw));
    Ok(draw)
}

/// What a witness takes home: the own line of the draw's entries, as everybody will see it.
fn receipt(
    row: &DrawRow,
    rules: &Rules,
    place: usize,
    value: &str,
    given_at: chrono::DateTime<chrono::Utc>,
) -> Result<pb::AddWitnessEntryResponse> {
    let line = rules.entry(place, value).map_err(Refusal::internal)?;
    Ok(pb::AddWitnessEntryResponse { draw: row.name.clone(), line, create_time: Some(timestamp(given_at)) })
}

fn index_of(place: usize) -> Result<i32> {
    i32::try_from(place + 1).map_err(Refusal::internal)
}

fn name_of<'a>(link: &Link, contributing: &'a [Contributor]) -> &'a str {
    let place = usize::try_from(link.index - 1).unwrap_or(usize::MAX);
    contributing.get(place).map_or("", |one| &one.contributor)
}

/// A link as it is shown: `whole` with the account that issued it.
fn shown(link: &Link, contributing: &[Contributor], whole: bool) -> pb::WitnessLink {
    message(link, name_of(link, contributing).to_owned(), whole)
}

/// A link as the contract shows it.
pub fn message(link: &Link, contributor: String, whole: bool) -> pb::WitnessLink {
    pb::WitnessLink {
        number: link.number,
        contributor,
        issuer: if whole { link.issued_by.clone() } else { String::new() },
        issue_time: Some(timestamp(link.issued_at)),
        open_time: link.opened_at.map(timestamp),
    }
}

#[tonic::async_trait]
impl Witnesses for Api {
    async fn create_witness_link(
        &self,
        request: Request<pb::CreateWitnessLinkRequest>,
    ) -> Result<Response<pb::CreateWitnessLinkResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.issue(&caller, request.into_inner()).await?))
    }

    async fn open_witness_link(
        &self,
        request: Request<pb::OpenWitnessLinkRequest>,
    ) -> Result<Response<pb::OpenWitnessLinkResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.open(&caller, &request.into_inner()).await?))
    }

    async fn add_witness_entry(
        &self,
        request: Request<pb::AddWitnessEntryRequest>,
    ) -> Result<Response<pb::AddWitnessEntryResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.enter(&caller, &request.into_inner()).await?))
    }
}
