//! The client and how it is set up.

use crate::connection::{Caller, Connection};
use crate::credential::{Credential, bearer};
use crate::platform::Platform;
use crate::retry::Retries;
use crate::tenant::Entrance;
use crate::trials::Trials;
use crate::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// The way to a vivero server. Clones are cheap and share connections.
///
/// ```no_run
/// # async fn run() -> vivero_client::Result<()> {
/// use vivero_client::Client;
///
/// let client = Client::new("http://127.0.0.1:8080")?;
/// let acme = client.tenant("acme-plants").sign_in("a@b.example", "correct horse").await?;
/// println!("{}", acme.me().await?.user.name);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    connection: Arc<Connection>,
}

impl Client {
    /// A client with the defaults of [`Client::builder`].
    ///
    /// `base_url` is where the server is, with the path it is mounted at, if any.
    ///
    /// Errors: [`Error::Request`] for an address that cannot be used; `https` needs the feature `tls`.
    pub fn new(base_url: &str) -> Result<Self> {
        Self::builder().build(base_url)
    }

    /// A client with choices.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// Signing up.
    #[must_use]
    pub fn trials(&self) -> Trials {
        Trials::new(self.caller(Credential::None))
    }

    /// The door of a tenant, by its name in paths.
    #[must_use]
    pub fn tenant(&self, slug: &str) -> Entrance {
        Entrance::new(Arc::clone(&self.connection), slug)
    }

    /// What operators of the installation may do, with their key.
    #[must_use]
    pub fn platform(&self, key: &str) -> Platform {
        Platform::new(self.caller(Credential::Key(bearer(key))))
    }

    /// Whether the server's process answers.
    pub async fn is_live(&self) -> Result<bool> {
        let caller = self.caller(Credential::None);
        let health = caller.once(|api| async move { api.health_live().await }).await?;
        Ok(health.status == "up")
    }

    /// Whether requests should be sent to this server now: not while it is stopping, nor while it
    /// cannot reach its storage.
    pub async fn is_ready(&self) -> Result<bool> {
        let caller = self.caller(Credential::None);
        match caller.once(|api| async move { api.health_ready().await }).await {
            Ok(health) => Ok(health.status == "up"),
            Err(error) if error.status() == Some(503) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn caller(&self, credential: Credential) -> Caller {
        Caller { connection: Arc::clone(&self.connection), credential }
    }
}

/// The choices of a client. Every one has a default that works.
#[derive(Debug, Clone)]
pub struct ClientBuilder {
    timeout: Duration,
    connect_timeout: Duration,
    retries: Retries,
    user_agent: String,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            retries: Retries::default(),
            user_agent: concat!("vivero-client/", env!("CARGO_PKG_VERSION")).into(),
        }
    }
}

impl ClientBuilder {
    /// The longest one attempt at a request takes; default 30 s. Event streams are not bounded.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
    /// The longest it takes to connect; default 5 s.
    #[must_use]
    pub const fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }
    /// How failed requests are repeated.
    #[must_use]
    pub const fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }
    /// The name under which sign-ins of this program are listed.
    #[must_use]
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// The client.
    ///
    /// Errors: [`Error::Request`] for an address that cannot be used; `https` needs the feature `tls`.
    pub fn build(self, base_url: &str) -> Result<Client> {
        let address = reqwest::Url::parse(base_url)
            .map_err(|e| Error::Request(format!("{base_url} is not an address: {e}")))?;
        check_scheme(address.scheme())?;
        if address.query().is_some() || address.fragment().is_some() {
            return Err(Error::Request(
                "the server's address cannot have a query or fragment".into(),
            ));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            .user_agent(self.user_agent)
            // The API has no redirects; following one could carry a token elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .build()
            .map_err(|e| Error::Request(e.to_string()))?;
        let connection = Connection {
            base_url: address.as_str().trim_end_matches('/').to_owned(),
            http,
            timeout: self.timeout,
            retries: self.retries,
        };
        Ok(Client { connection: Arc::new(connection) })
    }
}

#[cfg(feature = "tls")]
fn check_scheme(scheme: &str) -> Result<()> {
    // Without a default there is a panic at the first use; whoever chose one before keeps it.
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    if matches!(scheme, "http" | "https") { Ok(()) } else { Err(unusable(scheme)) }
}

#[cfg(not(feature = "tls"))]
fn check_scheme(scheme: &str) -> Result<()> {
    match scheme {
        "http" => Ok(()),
        "https" => Err(Error::Request("https needs vivero-client's feature `tls`".into())),
        _ => Err(unusable(scheme)),
    }
}

fn unusable(scheme: &str) -> Error {
    Error::Request(format!("{scheme} is not http or https"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_cannot_work_are_refused_at_once() {
        for bad in ["", "127.0.0.1:8080", "ftp://x", "http://x/?a=1", "http://x/#a", "http://"] {
            assert!(matches!(Client::new(bad), Err(Error::Request(_))), "{bad}");
        }
        let mounted = Client::new("http://127.0.0.1:1/plants/").expect("a client");
        assert_eq!(mounted.connection.base_url, "http://127.0.0.1:1/plants");
    }

    #[cfg(not(feature = "tls"))]
    #[test]
    fn https_without_tls_names_the_feature() {
        let error = Client::new("https://x.example").expect_err("no tls");
        assert!(error.to_string().contains("`tls`"), "{error}");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn https_works_with_the_feature() {
        Client::new("https://x.example").expect("a client");
    }

    #[test]
    fn keys_are_not_printed() {
        let client = Client::new("http://127.0.0.1:1").expect("a client");
        let platform = client.platform("viv_secret");
        assert!(!format!("{platform:?}").contains("viv_secret"), "{platform:?}");
    }
}
