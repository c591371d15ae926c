//! What all requests share.

use crate::StartupError;
use crate::middleware::metrics::Metrics;
use crate::middleware::rate_limit::SignInLimit;
use crate::options::ServerOptions;
use bytes::Bytes;
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio_util::sync::CancellationToken;
use vivero_core::port::Counts;
use vivero_core::{TenantId, Vivero};

/// What all requests share.
pub(crate) struct State {
    pub(crate) vivero: Vivero,
    pub(crate) options: ServerOptions,
    pub(crate) metrics: Metrics,
    pub(crate) sign_in_limit: SignInLimit,
    /// Ends event streams.
    pub(crate) stopping: CancellationToken,
    /// The last dashboard of each tenant as bytes, with the figures it was made of.
    pub(crate) dashboards: Cache<TenantId, (Arc<Counts>, Bytes)>,
    streams: Arc<Mutex<HashMap<TenantId, usize>>>,
    platform_key: Option<[u8; 32]>,
    #[cfg(feature = "otel")]
    pub(crate) traces: Option<crate::traces::Traces>,
    draining: AtomicBool,
}

impl State {
    pub(crate) fn new(vivero: Vivero, options: ServerOptions) -> Result<Self, StartupError> {
        let key = options.platform_key_sha256.as_deref().map(hex::decode).transpose();
        let key = key.ok().map(|k| k.map(<[u8; 32]>::try_from).transpose());
        let Some(Ok(platform_key)) = key else {
            return Err(StartupError::new("platform_key_sha256 is not a SHA-256 in hex"));
        };
        #[cfg(feature = "otel")]
        let traces =
            options.otlp_endpoint.as_deref().map(crate::traces::Traces::open).transpose()?;
        #[cfg(not(feature = "otel"))]
        if options.otlp_endpoint.is_some() {
            return Err(StartupError::new(
                "otlp_endpoint is set, but this program was built without the feature otel",
            ));
        }
        Ok(Self {
            #[cfg(feature = "otel")]
            traces,
            metrics: Metrics::new(vivero.clone()),
            sign_in_limit: SignInLimit::new(options.sign_in_limit),
            stopping: CancellationToken::new(),
            dashboards: Cache::new(1_000),
            streams: Arc::default(),
            platform_key,
            draining: AtomicBool::new(false),
            vivero,
            options,
        })
    }

    /// Whether `key` is the operators' key. Takes the same time whatever is wrong with it.
    pub(crate) fn is_platform_key(&self, key: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let expected = self.platform_key.unwrap_or_default();
        let differing = digest.iter().zip(expected).fold(0, |sum, (a, b)| sum | (a ^ b));
        self.platform_key.is_some() && std::hint::black_box(differing) == 0
    }

    /// Sends what was gathered for others. Takes as long as they do.
    pub(crate) fn close(&self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = &self.traces {
            traces.close();
        }
    }

    /// Turns not ready.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
    /// Whether the server was told to stop.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    /// A place for one more event stream of a tenant, if there is one.
    pub(crate) fn stream_place(&self, tenant: TenantId) -> Option<StreamPlace> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let open = streams.entry(tenant).or_insert(0);
        if *open >= self.options.streams_per_tenant {
            return None;
        }
        *open += 1;
        self.metrics.streams.inc();
        let gauge = self.metrics.streams.clone();
        Some(StreamPlace { tenant, streams: Arc::clone(&self.streams), gauge })
    }
}

/// The place of one event stream; dropping it gives it back.
pub(crate) struct StreamPlace {
    tenant: TenantId,
    streams: Arc<Mutex<HashMap<TenantId, usize>>>,
    gauge: prometheus_client::metrics::gauge::Gauge,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = streams.get_mut(&self.tenant) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.tenant);
            }
        }
        self.gauge.dec();
    }
}
