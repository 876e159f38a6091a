//! Machine clients: registered, rotated, frozen, retired by the administrators of the department they act for (art. 22, 27).

use kit::{
    auth::Caller,
    error::{Refusal, Result},
    ledger::Tx,
};
use proto::qingtian::identity::v1 as pb;
use uuid::Uuid;

use super::{Api, people::own_or};
use crate::{
    passwords,
    rules::{self, ClientEvent, ClientState, Secrets},
    store::{self, MachineClient},
};

impl Api {
    pub(super) async fn clients(
        &self,
        caller: &Caller,
        request: pb::ListMachineClientsRequest,
    ) -> Result<pb::ListMachineClientsResponse> {
        if !request.organisation.is_empty() {
            caller.reaches(&request.organisation)?;
        }
        let state = match pb::MachineClientState::try_from(request.state) {
            Ok(pb::MachineClientState::Unspecified) => None,
            Ok(pb::MachineClientState::Active) => Some(ClientState::Active),
            Ok(pb::MachineClientState::Frozen) => Some(ClientState::Frozen),
            Ok(pb::MachineClientState::Retired) => Some(ClientState::Retired),
            Err(_) => return Err(Refusal::invalid("state", "没有该状态 / no such state")),
        };
        let page = store::CLIENT_ORDERS.page(&request.order_by, &request.page_token, request.page_size)?;
        let (reach, pattern) = (caller.reach(), super::pattern(&request.query));
        let clients = store::Clients {
            organisation: Some(request.organisation.as_str()).filter(|name| !name.is_empty()).or(reach.organisation()),
            pattern: pattern.as_deref(),
            state,
        };
        let found = clients.page(self.ledger.pool(), &page).await?;
        let now = self.clock.now();
        Ok(pb::ListMachineClientsResponse {
            clients: found.rows.iter().map(|row| row.shown(now)).collect(),
            next_page_token: found.next_page_token,
            total_size: found.total,
        })
    }

    pub(super) async fn client(&self, caller: &Caller, name: &str) -> Result<pb::MachineClient> {
        let found = store::client_within(self.ledger.pool(), name, caller.reach().organisation()).await?;
        Ok(found.shown(self.clock.now()))
    }

    /// Registers a machine client. The first answer alone shows the secret.
    pub(super) async fn register_client(
        &self,
        caller: Caller,
        request: pb::CreateMachineClientRequest,
    ) -> Result<pb::CreateMachineClientResponse> {
        let organisation = own_or(&caller, &request.organisation)?;
        let title = rules::parse_text("title", &request.title)?;
        let secret = passwords::random_text().map_err(Refusal::internal)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let name = format!("machineClients/{}", Uuid::now_v7().simple());
        let now = tx.now();
        let new = store::NewClient {
            name: &name,
            title: &title,
            organisation: &organisation,
            secret_digest: &passwords::digest(&secret),
            created_by: &caller.actor,
        };
        let client = store::insert_client(&mut tx, new, now).await?.shown(now);
        tx.changed(&name, None, Some(&client));
        let unsecret =
            pb::CreateMachineClientResponse { name: name.clone(), secret: String::new(), client: Some(client) };
        tx.commit(&unsecret).await?;
        tracing::info!(client.name = %name, "registered machine client");
        Ok(pb::CreateMachineClientResponse { secret, ..unsecret })
    }

    /// Makes the next secret. The first answer alone shows it.
    pub(super) async fn rotate(
        &self,
        caller: Caller,
        request: pb::RotateMachineClientSecretRequest,
    ) -> Result<pb::RotateMachineClientSecretResponse> {
        let secret = passwords::random_text().map_err(Refusal::internal)?;
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let client = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let overlap = rules::parse_overlap(request.overlap_hours)?;
        let state = client.state().next(ClientEvent::Rotate, &client.name)?;
        let secrets = client.secrets().rotated(passwords::digest(&secret), overlap, tx.now(), &client.name)?;
        let ends_others = secrets.old.is_none();
        let act = Act { state, reason: &client.reason, secrets, voids: ends_others, change: "secret rotated" };
        let shown = self.save(&mut tx, &caller, &client, act).await?;
        let unsecret = pb::RotateMachineClientSecretResponse { client: Some(shown), secret: String::new() };
        tx.commit(&unsecret).await?;
        tracing::info!(client.name = %client.name, "rotated machine client's secret");
        Ok(pb::RotateMachineClientSecretResponse { secret, ..unsecret })
    }

    pub(super) async fn end_old_secret(
        &self,
        caller: Caller,
        request: pb::EndOldMachineClientSecretRequest,
    ) -> Result<pb::MachineClient> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let client = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let state = client.state().next(ClientEvent::EndOldSecret, &client.name)?;
        let secrets = client.secrets().old_ended(tx.now(), &client.name)?;
        let act = Act { state, reason: &client.reason, secrets, voids: true, change: "old secret ended" };
        self.saved(tx, &caller, &client, act).await
    }

    pub(super) async fn freeze_client(
        &self,
        caller: Caller,
        request: pb::FreezeMachineClientRequest,
    ) -> Result<pb::MachineClient> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let client = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let state = client.state().next(ClientEvent::Freeze, &client.name)?;
        let act = Act { state, reason: &reason, secrets: client.secrets(), voids: true, change: "frozen" };
        self.saved(tx, &caller, &client, act).await
    }

    pub(super) async fn unfreeze_client(
        &self,
        caller: Caller,
        request: pb::UnfreezeMachineClientRequest,
    ) -> Result<pb::MachineClient> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let client = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let state = client.state().next(ClientEvent::Unfreeze, &client.name)?;
        let act = Act { state, reason: "", secrets: client.secrets(), voids: false, change: "unfrozen" };
        self.saved(tx, &caller, &client, act).await
    }

    pub(super) async fn retire_client(
        &self,
        caller: Caller,
        request: pb::RetireMachineClientRequest,
    ) -> Result<pb::MachineClient> {
        let mut tx = self.ledger.begin(&caller, &request.request_id, &request).await?;
        let client = lock(&mut tx, &caller, &request.name, &request.etag).await?;
        let reason = rules::parse_text("reason", &request.reason)?;
        let state = client.state().next(ClientEvent::Retire, &client.name)?;
        let secrets = Secrets { old: None, ..client.secrets() };
        let act = Act { state, reason: &reason, secrets, voids: true, change: "retired" };
        self.saved(tx, &caller, &client, act).await
    }

    /// Saves an act whose answer is the client.
    async fn saved(
        &self,
        mut tx: Tx,
        caller: &Caller,
        client: &MachineClient,
        act: Act<'_>,
    ) -> Result<pb::MachineClient> {
        let change = act.change;
        let shown = self.save(&mut tx, caller, client, act).await?;
        tx.commit(&shown).await?;
        tracing::info!(client.name = %shown.name, change, "changed machine client");
        Ok(shown)
    }

    async fn save(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        client: &MachineClient,
        act: Act<'_>,
    ) -> Result<pb::MachineClient> {
        let now = tx.now();
        let changed = (caller.actor.as_str(), act.change);
        let saved = store::save_client(tx, &client.name, (act.state, act.reason), &act.secrets, changed).await?;
        if act.voids {
            self.revoke(tx, &saved.name, saved.revision)?;
        }
        let shown = saved.shown(now);
        tx.changed(&shown.name, Some(&client.shown(now)), Some(&shown));
        Ok(shown)
    }
}

/// What an act makes of a client.
struct Act<'a> {
    state: ClientState,
    reason: &'a str,
    secrets: Secrets,
    /// Whether the tokens it has are void from now on.
    voids: bool,
    change: &'static str,
}

/// Locks a client whom the caller may manage, as the caller read it.
async fn lock(tx: &mut Tx, caller: &Caller, name: &str, etag: &str) -> Result<MachineClient> {
    let client = store::lock_client(tx, name, caller.reach().organisation()).await?;
    if etag.is_empty() {
        return Err(Refusal::invalid("etag", "请先读取接入系统 / read the machine client first"));
    }
    if etag != client.revision.to_string() {
        let who = store::called(tx, &client.changed_by).await?;
        return Err(Refusal::stale(name, who, &client.change));
    }
    Ok(client)
}
