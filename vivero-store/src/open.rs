//! Opening an installation by its address.

use crate::sqlite::{SqliteFleet, SqliteOptions};
use crate::system::{SystemClock, SystemIds};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use vivero_core::password::Passwords;
use vivero_core::port::Fleet;
use vivero_core::record::Schema;
use vivero_core::token::{SessionLimits, Tokens};
use vivero_core::{Clock, Error, IdSource, Parts, Record, Result, Vivero};

/// `Vivero::open` and `Vivero::builder`, brought by this crate.
#[async_trait]
pub trait Open: Sized {
    /// Opens or makes an installation: `sqlite:FOLDER`.
    ///
    /// Errors: [`Error::Invalid`] for an address that cannot be read, [`Error::Unavailable`] if the
    /// storage does not answer.
    async fn open(url: &str) -> Result<Self>;
    /// The same with choices.
    fn builder() -> Builder;
}

#[async_trait]
impl Open for Vivero {
    async fn open(url: &str) -> Result<Self> {
        Self::builder().open(url).await
    }
    fn builder() -> Builder {
        Builder::default()
    }
}

/// The choices of an installation. Every one has a default that works.
#[derive(Debug)]
pub struct Builder {
    sqlite: SqliteOptions,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    records: Vec<&'static Schema>,
    session_limits: SessionLimits,
    weak_passwords: bool,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            sqlite: SqliteOptions::default(),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds::default()),
            records: Vec::new(),
            session_limits: SessionLimits::default(),
            weak_passwords: false,
        }
    }
}

impl Builder {
    /// Adds a record type of the integrator's own; every tenant gets its table.
    #[must_use]
    pub fn record<R: Record>(mut self) -> Self {
        self.records.push(R::SCHEMA);
        self
    }
    /// Most tenant databases open at once; default 256.
    #[must_use]
    pub const fn max_open_tenants(mut self, number: usize) -> Self {
        self.sqlite.max_open = if number == 0 { 1 } else { number };
        self
    }
    /// Reading connections per tenant; default 4.
    #[must_use]
    pub const fn readers_per_tenant(mut self, number: u32) -> Self {
        self.sqlite.readers = if number == 0 { 1 } else { number };
        self
    }
    /// How long a request waits for a tenant database when all are in use; default 2 s.
    #[must_use]
    pub const fn wait_for_room(mut self, wait: Duration) -> Self {
        self.sqlite.wait = wait;
        self
    }
    /// How stale dashboards and live events may be; default 25 ms.
    #[must_use]
    pub const fn seal_delay(mut self, delay: Duration) -> Self {
        self.sqlite.seal_delay = delay;
        self
    }
    /// Whether an acknowledged write survives power loss (the default), or only a crash of the process.
    #[must_use]
    pub const fn durable(mut self, durable: bool) -> Self {
        self.sqlite.durable = durable;
        self
    }
    /// How long sign-ins last.
    #[must_use]
    pub const fn session_limits(mut self, limits: SessionLimits) -> Self {
        self.session_limits = limits;
        self
    }
    /// Another clock: for tests.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
    /// Another source of ids and randomness: for tests.
    #[must_use]
    pub fn ids(mut self, ids: Arc<dyn IdSource>) -> Self {
        self.ids = ids;
        self
    }
    /// Password hashes that cost next to nothing: for tests that sign in thousands of times.
    #[must_use]
    pub const fn weak_passwords_for_tests(mut self) -> Self {
        self.weak_passwords = true;
        self
    }

    /// Opens or makes the installation and finishes what a former process left half-made.
    pub async fn open(self, url: &str) -> Result<Vivero> {
        let folder = folder(url)?;
        for (i, schema) in self.records.iter().enumerate() {
            let taken = crate::schema::OWN.iter().chain(&self.records[..i]);
            if taken.into_iter().any(|s| s.table == schema.table || s.resource == schema.resource) {
                let message = format!(
                    "table {} or resource {} is already in use",
                    schema.table, schema.resource
                );
                return Err(Error::invalid("record", "unique", message));
            }
        }
        let fleet =
            SqliteFleet::open(&folder, self.sqlite, &self.records, Arc::clone(&self.clock)).await?;
        let signing = secret(&fleet, &*self.ids, "token_signing").await?;
        let refresh = secret(&fleet, &*self.ids, "refresh_tokens").await?;
        let passwords = if self.weak_passwords {
            Passwords::with_params(&*self.ids, 8, 1)?
        } else {
            Passwords::new(&*self.ids)?
        };
        let vivero = Vivero::new(Parts {
            fleet: Arc::new(fleet),
            clock: self.clock,
            ids: self.ids,
            tokens: Tokens::new(&signing, refresh)?,
            passwords,
            session_limits: self.session_limits,
            records: self.records,
        });
        let (finished, undone) = vivero.tenants().recover_provisioning().await?;
        if finished + undone > 0 {
            tracing::info!(finished, undone, "half-made tenants of a former run");
        }
        Ok(vivero)
    }
}

async fn secret(fleet: &dyn Fleet, ids: &dyn IdSource, name: &str) -> Result<[u8; 32]> {
    let mut fresh = vec![0; 32];
    ids.fill(&mut fresh);
    let stored = fleet.secret(name, fresh).await?;
    stored.try_into().map_err(|_| Error::corrupt(format!("secret {name} does not have 32 bytes")))
}

fn folder(url: &str) -> Result<PathBuf> {
    let refused = |message: &str| Error::invalid("database_url", "database_url", message);
    match url.split_once(':') {
        Some(("sqlite", path)) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains('?') {
                return Err(refused("must be sqlite:FOLDER, e.g. sqlite:./data"));
            }
            Ok(PathBuf::from(path))
        }
        _ => Err(refused("must begin with sqlite:")),
    }
}
