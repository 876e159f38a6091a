//! Questions to the portal, one function each, and few to the part that makes draws; all anonymous and with an edge in time.

use std::time::Duration;

use proto::qingtian::{
    catalog::v1::Item,
    draws::v1::{
        AddWitnessEntryRequest, AddWitnessEntryResponse, ListPublishedCapsRequest, ListPublishedCapsResponse,
        OpenWitnessLinkRequest, OpenWitnessLinkResponse, OwnLine, RedeemProofCodeRequest, caps_client::CapsClient,
        proofs_client::ProofsClient, witnesses_client::WitnessesClient,
    },
    portal::v1::{self as pb, portal_client::PortalClient},
};
use tonic::{Request, Response, Status, transport::Channel};

use crate::{
    failure::{Failure, Refused},
    reader::Reader,
};

/// A page that takes longer is of no use.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A thousand rows of drawn subjects with proofs are well below.
const ANSWER_BYTES_MAX: usize = 16 << 20;

fn portal(reader: &Reader) -> PortalClient<Channel> {
    PortalClient::new(reader.site.portal.clone()).max_decoding_message_size(ANSWER_BYTES_MAX)
}

fn request<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    kit::telemetry::inject(request.metadata_mut());
    request.set_timeout(TIMEOUT);
    request
}

/// The answer, or what the portal refused it for, in both languages.
fn heard<T>(answer: Result<Response<T>, Status>) -> Result<T, Refused> {
    answer.map(Response::into_inner).map_err(|status| Refused::of(&status))
}

macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident($message:ty) -> $answer:ty;)*) => { $(
        $(#[$doc])*
        pub async fn $name(reader: &Reader, message: $message) -> Result<$answer, Refused> {
            heard(portal(reader).$name(request(message)).await)
        }
    )* };
}

questions! {
    /// Figures and news for the home page.
    get_overview(pb::GetOverviewRequest) -> pb::Overview;
    /// Plans, draws and items by words.
    search(pb::SearchRequest) -> pb::SearchResponse;
    /// Published plans.
    list_plans(pb::ListPlansRequest) -> pb::ListPlansResponse;
    /// One plan.
    get_plan(pb::GetPlanRequest) -> pb::PublicPlan;
    /// Published items.
    list_items(pb::ListItemsRequest) -> pb::ListItemsResponse;
    /// One item.
    get_item(pb::GetItemRequest) -> Item;
    /// Draws.
    list_draws(pb::ListDrawsRequest) -> pb::ListDrawsResponse;
    /// History of draws by organisation and year.
    get_fairness(pb::GetFairnessRequest) -> pb::Fairness;
    /// One draw.
    get_draw(pb::GetDrawRequest) -> pb::PublicDraw;
    /// Who was drawn.
    list_drawn(pb::ListDrawnRequest) -> pb::ListDrawnResponse;
    /// What was changed since a draw for recusals.
    list_log(pb::ListLogRequest) -> pb::ListLogResponse;
    /// One firm in one draw.
    look_up_subject(pb::LookUpSubjectRequest) -> pb::SubjectStanding;
}

/// Opens a witness's link.
pub async fn open_witness_link(
    reader: &Reader,
    message: OpenWitnessLinkRequest,
) -> Result<OpenWitnessLinkResponse, Refused> {
    heard(WitnessesClient::new(reader.site.draws.clone()).open_witness_link(request(message)).await)
}

/// Gives a witness's entry.
pub async fn add_witness_entry(
    reader: &Reader,
    message: AddWitnessEntryRequest,
) -> Result<AddWitnessEntryResponse, Refused> {
    heard(WitnessesClient::new(reader.site.draws.clone()).add_witness_entry(request(message)).await)
}

/// Frequency caps in force or to come, and those of before.
pub async fn list_published_caps(
    reader: &Reader,
    message: ListPublishedCapsRequest,
) -> Result<ListPublishedCapsResponse, Refused> {
    heard(CapsClient::new(reader.site.draws.clone()).list_published_caps(request(message)).await)
}

/// A firm's own line for its one-time code.
pub async fn redeem_proof_code(reader: &Reader, message: RedeemProofCodeRequest) -> Result<OwnLine, Refused> {
    heard(ProofsClient::new(reader.site.draws.clone()).redeem_proof_code(request(message)).await)
}

/// A draw by the last part of its name, or the page that says why not.
pub async fn draw(reader: &Reader, number: &str) -> Result<pb::PublicDraw, Failure> {
    let name = format!("draws/{number}");
    get_draw(reader, pb::GetDrawRequest { name }).await.map_err(|refused| refused.page(reader))
}
