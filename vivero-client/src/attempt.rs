//! What one attempt at a request carries beyond the operation itself.

use crate::generated;
use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use std::time::Duration;

/// Credential and patience of one attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// Marked as sensitive, so it is not printed.
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) timeout: Duration,
}

impl ClientHooks<Attempt> for generated::Client {
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        let attempt = self.inner();
        *request.timeout_mut() = Some(attempt.timeout);
        if let Some(authorization) = &attempt.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        Ok(())
    }
}
