//! For programs of departments in Rust (art. 22): the stubs of the contract, with a machine client's token that is renewed before it
//! ends, calls that are repeated where that may help, pages that follow each other, and subscriptions that go on where they stood.
//!
//! ```no_run
//! use client::{Log, Qingtian, Settings, Stand};
//! use proto::qingtian::draws::v1::{ListSubjectsRequest, registers_client::RegistersClient};
//!
//! # async fn example() -> Result<(), client::Error> {
//! let mut settings = Settings::new("https://qingtian.example:50443", "machineClients/m-1");
//! settings.secret = std::env::var("QINGTIAN_CLIENT_SECRET").unwrap_or_default().into();
//! let qingtian = Qingtian::connect(settings)?;
//!
//! let mut subjects = qingtian.pages(async |channel, page_token| {
//!     let parent = "organisations/ecology".to_owned();
//!     let request = ListSubjectsRequest { parent, page_size: 500, page_token, ..Default::default() };
//!     let page = RegistersClient::new(channel).list_subjects(request).await?.into_inner();
//!     Ok((page.subjects, page.next_page_token))
//! });
//! while let Some(subject) = subjects.next().await? {
//!     println!("{}", subject.key);
//! }
//!
//! // (position, hash) is stored with what was made of the events; the next run begins there.
//! let mut draws = qingtian.follow(Log::Draws, Stand::default());
//! while let Some(event) = draws.next().await?.event {
//!     println!("{}", event.aggregate);
//! }
//! # Ok(())
//! # }
//! ```

mod events;
mod pages;
mod retry;
mod tokens;
mod uploads;

use std::{sync::Arc, time::Duration};

pub use events::{Log, Stand, Step, Subscription};
pub use pages::Pages;
use proto::qingtian::identity::v1::{IssueTokenRequest, identity_client::IdentityClient};
pub use retry::Policy;
use tokens::Tokens;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
pub use uploads::FileOf;
use zeroize::Zeroizing;

/// How long a connection may take to stand.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection over which nothing comes for so long is asked whether it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

/// A client's secret, wiped when it is dropped and never printed.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl From<String> for Secret {
    fn from(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where, as whom, and how patiently.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `https://HOST:PORT`; `http://` only for a Qingtian on this very machine.
    pub address: String,
    /// `machineClients/{client}`.
    pub client: String,
    /// Its secret.
    pub secret: Secret,
    /// Certificates (PEM) of the authorities that the server's is checked against; the system's when none.
    pub authorities: Option<Vec<u8>>,
    /// How often and after how long a call is repeated.
    pub policy: Policy,
}

impl Settings {
    /// The usual settings, without the secret.
    pub fn new(address: impl Into<String>, client: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            client: client.into(),
            secret: String::new().into(),
            authorities: None,
            policy: Policy::default(),
        }
    }
}

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address or the certificates cannot be used.
    #[error("the connection cannot be set up: {0}")]
    Setup(#[from] tonic::transport::Error),
    /// No certificates of authorities were given, and the system's were not found.
    #[error("no certificates of authorities: {0}")]
    Authorities(#[from] std::io::Error),
    /// The service refused, or did not answer however often it was asked. Reason and article are in the details.
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(#[from] Status),
}

/// Adds a token to every call.
#[derive(Debug, Clone)]
pub struct Bearer(MetadataValue<Ascii>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// A channel whose calls carry the client's token.
pub type Authorised = InterceptedService<Channel, Bearer>;

/// A connection to a city's platform as one machine client. Cheap to clone; clones share connection and token.
#[derive(Debug, Clone)]
pub struct Qingtian {
    channel: Channel,
    tokens: Arc<Tokens>,
    policy: Policy,
}

impl Qingtian {
    /// Sets the connection up; it is made by the first call, and again after every failure.
    ///
    /// # Errors
    /// [`Error::Setup`]: the address is not a URL, the certificates are malformed. [`Error::Authorities`].
    pub fn connect(settings: Settings) -> Result<Self, Error> {
        let Settings { address, client, secret, authorities, policy } = settings;
        let tls = address.starts_with("https:");
        let mut endpoint = Endpoint::from_shared(address)?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_while_idle(true);
        if tls {
            let authorities = authorities.map_or_else(system_authorities, Ok)?;
            let config = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authorities));
            endpoint = endpoint.tls_config(config)?;
        }
        let channel = endpoint.connect_lazy();
        let identity = IdentityClient::new(channel.clone());
        let tokens = Tokens::new(move || {
            let (mut identity, client, secret) = (identity.clone(), client.clone(), secret.clone());
            Box::pin(async move {
                let request = IssueTokenRequest { client, secret: secret.0.to_string() };
                Ok(identity.issue_token(request).await?.into_inner())
            })
        });
        Ok(Self { channel, tokens: Arc::new(tokens), policy })
    }

    /// The connection without a token, for rpcs that are public.
    pub fn public(&self) -> Channel {
        self.channel.clone()
    }

    /// Calls, with a token, again where that may help: when the service is away or asks to come later, and once with a new token when
    /// this one was refused. Only for what may be repeated: reads, changes with a `request_id`, uploads of rows.
    ///
    /// # Errors
    /// The last refusal.
    pub async fn call<T>(&self, call: impl AsyncFn(Authorised) -> Result<T, Status>) -> Result<T, Error> {
        let attempt = async |token: &str| call(self.authorised(token)?).await;
        Ok(retry::repeated(self.policy, &self.tokens, attempt).await?)
    }

    /// Rows of a list, page after page: `page` is given the page's token, empty at first, and answers rows and the next token.
    pub fn pages<T, F>(&self, page: F) -> Pages<'_, T, F>
    where
        F: AsyncFn(Authorised, String) -> Result<(Vec<T>, String), Status>,
    {
        Pages::new(self, page)
    }

    /// Follows a part's log from where the caller stands.
    pub fn follow(&self, log: Log, from: Stand) -> Subscription<'_> {
        Subscription::new(self, log, from)
    }

    fn authorised(&self, token: &str) -> Result<Authorised, Status> {
        let value = format!("Bearer {token}").parse();
        let value = value.map_err(|_| Status::internal("the token is no text that a header may hold"))?;
        Ok(InterceptedService::new(self.channel.clone(), Bearer(value)))
    }
}

/// The authorities this system believes, PEM: the file that SSL_CERT_FILE names, or where Debian, Fedora and Alpine keep theirs.
fn system_authorities() -> std::io::Result<Vec<u8>> {
    if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
        return std::fs::read(file);
    }
    let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];
    let found = bundles.into_iter().map(std::fs::read).find(|read| read.is_ok());
    found.unwrap_or_else(|| Err(std::io::ErrorKind::NotFound.into()))
}
