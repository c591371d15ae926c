//! For whoever watches over the server.

use super::Topic;
use crate::access::{Guest, Operator};
use crate::problem::Failure;
use crate::reply::{Answer, Shown};
use crate::wire::schema::inline;
use poem::http::{HeaderValue, header};
use poem::{IntoResponse, Response};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, Registry};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;
use vivero_core::shared::Reach;

pub(crate) struct Health;

/// Media type of the metrics.
const OPENMETRICS: &str = "application/openmetrics-text";

/// Up.
#[derive(Debug, Serialize, Object)]
pub(crate) struct HealthOut {
    /// `up`; `degraded` while this node serves but does not reach what it shares with other nodes.
    pub(crate) status: String,
}

#[OpenApi(tag = "Topic::Health")]
impl Health {
    /// Whether the process answers
    #[oai(path = "/health/live", method = "get", operation_id = "health_live")]
    async fn live(&self, _guest: Guest) -> Answer<Shown<HealthOut>> {
        Shown::new(&HealthOut { status: "up".into() })
    }

    /// Whether requests should be sent here
    ///
    /// 503 while the server is stopping or cannot reach its registry. A node that has lost Redis goes on
    /// serving and says `degraded`: limits hold for it alone, other nodes' changes are seen a second late.
    #[oai(path = "/health/ready", method = "get", operation_id = "health_ready")]
    async fn ready(&self, guest: Guest) -> Answer<Shown<HealthOut>> {
        if guest.scope().state.is_draining() {
            return Err(Failure::busy("stopping", 5));
        }
        if let Err(error) = guest.vivero().ping().await {
            tracing::warn!(%error, "the registry does not answer");
            return Err(Failure::busy("down", 5));
        }
        let away = guest.vivero().shared_stats().reach == Reach::Away;
        Shown::new(&HealthOut { status: if away { "degraded" } else { "up" }.into() })
    }

    /// Metrics for Prometheus
    #[oai(path = "/metrics", method = "get", operation_id = "metrics_get")]
    async fn metrics(&self, operator: Operator) -> Answer<Exposition> {
        let stats = operator.vivero().stats().await?;
        let servers = operator.vivero().servers().list().await?;
        let shared = operator.vivero().shared_stats();
        operator.scope().state.metrics.expose(&stats, &servers, &shared).map(Exposition)
    }
}

/// Metrics as text.
pub(crate) struct Exposition(String);

impl IntoResponse for Exposition {
    fn into_response(self) -> Response {
        let mut response = Response::from(self.0);
        let media =
            HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, media);
        response
    }
}

impl ApiResponse for Exposition {
    fn meta() -> MetaResponses {
        let text =
            MetaMediaType { content_type: OPENMETRICS, schema: inline(MetaSchema::new("string")) };
        let response = MetaResponse {
            description: "OpenMetrics text",
            status: Some(200),
            status_range: None,
            content: vec![text],
            headers: Vec::new(),
        };
        MetaResponses { responses: vec![response] }
    }
    fn register(_: &mut Registry) {}
}
