//! A real server on a port of its own, with its data in a temporary folder.

#![expect(dead_code, reason = "each test file uses what it needs")]

#[path = "engine.rs"]
pub(crate) mod engine;

use chrono::{DateTime, Utc};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use vivero_client::{Client, Retries, TenantClient, TenantIn, UserIn};
use vivero_core::service::FileSettings;
use vivero_core::token::secret_hash;
use vivero_core::{Clock, ManualClock, Vivero};
use vivero_server::{RateLimit, ServerOptions, Tcp, serve};
use vivero_store::{LocalFiles, Open as _};

/// Opens the platform API of every test server.
pub(crate) const PLATFORM_KEY: &str = "viv_platform_for_tests";
/// The password of everybody.
pub(crate) const PASSWORD: &str = "three quiet greenhouses";

/// The choices of a test server.
#[derive(Debug)]
pub(crate) struct TestServerBuilder {
    clock: Option<Arc<dyn Clock>>,
    seal_delay: Duration,
    slow_call: Option<Duration>,
    options: ServerOptions,
    files: Option<FileSettings>,
}

impl TestServerBuilder {
    /// A clock to move by hand; see [`manual_clock`].
    pub(crate) fn clock(mut self, clock: Arc<ManualClock>) -> Self {
        self.clock = Some(clock);
        self
    }
    /// How stale dashboards and events may be; 5 ms if not said.
    pub(crate) fn seal_delay(mut self, delay: Duration) -> Self {
        self.seal_delay = delay;
        self
    }
    /// Other settings for files.
    pub(crate) fn files(mut self, files: FileSettings) -> Self {
        self.files = Some(files);
        self
    }
    /// What the database calls slow.
    pub(crate) fn slow_call(mut self, bound: Duration) -> Self {
        self.slow_call = Some(bound);
        self
    }
    /// Other options of the server.
    pub(crate) fn options(mut self, change: impl FnOnce(&mut ServerOptions)) -> Self {
        change(&mut self.options);
        self
    }
    pub(crate) async fn start(self) -> TestServer {
        let folder = tempfile::tempdir().expect("a folder");
        let running = run(&self, &folder, SocketAddr::from(([127, 0, 0, 1], 0))).await;
        TestServer {
            base_url: format!("http://{}", running.address),
            folder,
            choices: self,
            running,
        }
    }
}

/// A running server. Dropping it takes its data along.
#[derive(Debug)]
pub(crate) struct TestServer {
    /// Where it listens.
    pub(crate) base_url: String,
    pub(crate) folder: TempDir,
    choices: TestServerBuilder,
    running: Running,
}

#[derive(Debug)]
struct Running {
    address: SocketAddr,
    vivero: Vivero,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        (&mut self.task).await.expect("the server ends in order");
        self.vivero.close().await;
    }
}

/// What the engine needs to be told in a program.
pub(crate) fn with_key(builder: vivero_store::Builder) -> vivero_store::Builder {
    #[cfg(feature = "mariadb")]
    let builder = builder.key(vivero_store::KeyText(engine::KEY.into()));
    builder
}

async fn run(choices: &TestServerBuilder, folder: &TempDir, address: SocketAddr) -> Running {
    let mut builder = Vivero::builder().weak_passwords_for_tests().seal_delay(choices.seal_delay);
    if let Some(bound) = choices.slow_call {
        builder = builder.slow_call(bound);
    }
    if let Some(clock) = &choices.clock {
        builder = builder.clock(Arc::clone(clock));
    }
    let files = choices.files.clone().unwrap_or_else(|| {
        let store = LocalFiles::open(folder.path().join("files")).expect("a store of files");
        FileSettings::new(Arc::new(store))
    });
    let data = engine::url(folder.path());
    let vivero = with_key(builder.files(files)).open(&data).await.expect("an installation");
    let tcp = Tcp::bind(address).await.expect("a port");
    let address = tcp.address();
    let (stop, stopped) = oneshot::channel();
    let (served, options) = (vivero.clone(), choices.options.clone());
    let task = tokio::spawn(async move {
        let stopped = async {
            let _ = stopped.await;
        };
        serve(served, options, tcp, stopped).await.expect("the server runs");
    });
    Running { address, vivero, stop: Some(stop), task }
}

impl TestServer {
    pub(crate) fn builder() -> TestServerBuilder {
        let options = ServerOptions {
            platform_key_sha256: Some(secret_hash(PLATFORM_KEY)),
            sign_in_limit: RateLimit { per_second: 0, burst: 0 },
            drain_timeout: Duration::from_millis(500),
            ..ServerOptions::default()
        };
        TestServerBuilder {
            clock: None,
            seal_delay: Duration::from_millis(5),
            slow_call: None,
            files: None,
            options,
        }
    }
    /// One with the defaults.
    pub(crate) async fn start() -> Self {
        Self::builder().start().await
    }

    /// The installation behind it.
    pub(crate) fn vivero(&self) -> &Vivero {
        &self.running.vivero
    }
    /// Ends the server as an operator would.
    pub(crate) async fn stop(&mut self) {
        self.running.stop().await;
    }
    /// Starts it again on the same data and port.
    pub(crate) async fn start_again(&mut self) {
        self.running = run(&self.choices, &self.folder, self.running.address).await;
    }

    pub(crate) fn client(&self) -> Client {
        let retries = Retries { first_wait: Duration::from_millis(10), ..Retries::default() };
        Client::builder().retries(retries).build(&self.base_url).expect("a client")
    }
    /// Makes a tenant under contract and signs its Admin in, `owner@{slug}.example`.
    pub(crate) async fn tenant(&self, slug: &str) -> TenantClient {
        let email = format!("owner@{slug}.example");
        let tenant = TenantIn { slug: Some(slug.into()), ..TenantIn::new(slug, &email, PASSWORD) };
        let client = self.client();
        client.platform(PLATFORM_KEY).tenants().create(tenant).await.expect("a tenant");
        client.tenant(slug).sign_in(email, PASSWORD).await.expect("the Admin")
    }
    /// Invites a person with a built-in role and signs them in.
    pub(crate) async fn person(
        &self,
        admin: &TenantClient,
        name: &str,
        role: &str,
    ) -> TenantClient {
        let roles = admin.roles().list().send().await.expect("roles").items;
        let role = roles.into_iter().find(|r| r.name == role).expect("the role");
        let email = format!("{name}@{}.example", admin.slug());
        let user = UserIn { roles: vec![role.id], ..UserIn::new(email, name) };
        let token = admin.users().invite(user).await.expect("an invitation").invitation.token;
        let entrance = self.client().tenant(admin.slug());
        entrance.accept_invitation(token.expect("a token"), PASSWORD).await.expect("the person")
    }
}

/// A clock that stands on a spring morning until it is moved.
pub(crate) fn manual_clock() -> Arc<ManualClock> {
    let morning: DateTime<Utc> = "2026-03-02T07:30:00Z".parse().expect("an instant");
    Arc::new(ManualClock::new(morning))
}
