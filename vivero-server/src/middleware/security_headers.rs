//! Headers that tell browsers to do nothing clever with an answer.

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};

const REFERRER: HeaderName = header::REFERRER_POLICY;

/// The headers of every answer.
pub(super) struct SecurityHeaders {
    hsts: Option<HeaderValue>,
}

impl SecurityHeaders {
    pub(super) fn new(hsts_seconds: Option<u64>) -> Self {
        let text =
            |seconds| HeaderValue::try_from(format!("max-age={seconds}; includeSubDomains")).ok();
        Self { hsts: hsts_seconds.and_then(text) }
    }

    /// Adds them; what the handler chose itself stays.
    pub(super) fn add(&self, headers: &mut HeaderMap) {
        headers.reserve(8);
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        headers.insert(REFERRER, HeaderValue::from_static("no-referrer"));
        headers
            .entry(header::CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        if let Some(hsts) = &self.hsts {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
    }
}
