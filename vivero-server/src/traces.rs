//! One span per request for an OpenTelemetry collector (feature `otel`), child of the caller's own span
//! if it sent a `traceparent`. Spans are gathered and sent by a thread of their own; one that does not get
//! through is dropped, and no request waits for it.

use crate::StartupError;
use crate::scope::Scope;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _,
    TraceFlags, TraceId, TraceState, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use poem::http::{HeaderMap, Method, StatusCode};
use std::time::{Duration, SystemTime};

/// Where spans go.
pub(crate) struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Traces {
    /// Spans for the collector at `endpoint`, e.g. `http://127.0.0.1:4318` (OTLP over HTTP, protobuf).
    pub(crate) fn open(endpoint: &str) -> Result<Self, StartupError> {
        let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint)
            .build()
            .map_err(|e| StartupError::new(format!("otlp_endpoint: {e}")))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource =
            Resource::builder().with_service_name("vivero").with_attribute(version).build();
        let provider = SdkTracerProvider::builder()
            .with_resource(resource)
            .with_batch_exporter(exporter)
            .build();
        let tracer = provider.tracer("vivero-server");
        Ok(Self { provider, tracer })
    }

    /// Notes an answered request.
    pub(crate) fn note(
        &self,
        scope: &Scope,
        parent: Option<SpanContext>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let ended: SystemTime = scope.state.vivero.now().into();
        let request_id = scope.request_id.to_str().unwrap_or_default().to_owned();
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.as_str().to_owned()),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new("vivero.operation", scope.operation.id),
            KeyValue::new("vivero.request_id", request_id),
        ];
        if let Some(tenant) = scope.tenant.get() {
            attributes.push(KeyValue::new("vivero.tenant", tenant.slug().to_owned()));
        }
        let span = SpanBuilder::from_name(scope.operation.id)
            .with_kind(SpanKind::Server)
            .with_start_time(ended.checked_sub(took).unwrap_or(ended))
            .with_attributes(attributes);
        let around = match parent {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        let mut span = self.tracer.build_with_context(span, &around);
        if status.is_server_error() {
            span.set_status(Status::error(status.as_str().to_owned()));
        }
        span.end_with_timestamp(ended);
    }

    /// Sends what is gathered.
    pub(crate) fn close(&self) {
        if let Err(e) = self.provider.shutdown() {
            tracing::warn!(error = %e, "the last spans were not sent");
        }
    }
}

/// The caller's span, by W3C Trace Context: `00-<trace>-<span>-<flags>`. What cannot be read is none.
pub(crate) fn parent(headers: &HeaderMap) -> Option<SpanContext> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let (version, trace, span, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let sizes = (version.len(), trace.len(), span.len(), flags.len());
    if sizes != (2, 32, 16, 2) || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?);
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, TraceState::NONE);
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::http::HeaderValue;

    #[test]
    fn a_callers_span_is_read_or_ignored() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::from_str(text).expect("a header"));
            parent(&headers)
        };
        let good = read("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").expect("a span");
        assert_eq!(good.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert!(good.is_sampled() && good.is_remote());
        for text in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "00-zzf7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(read(text).is_none(), "{text}");
        }
    }
}
