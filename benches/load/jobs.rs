//! What one connection asks for, request by request.

use super::api::Api;
use super::http::Answer;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A supply of requests for one connection. Nothing here is part of the time measured.
pub(crate) trait Job: Send {
    /// Writes the next request; returns its place in the list of targets, if there is one.
    fn next(&mut self, request: &mut Vec<u8>) -> usize;
    /// Looks at the answer, for those whose next request depends on it.
    fn answered(&mut self, _answer: &Answer<'_>) {}
}

/// Targets that all connections take turns at.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) api: Api,
    pub(crate) targets: Arc<[String]>,
    pub(crate) turn: Arc<AtomicUsize>,
}

impl Job for Reads {
    fn next(&mut self, request: &mut Vec<u8>) -> usize {
        let index = self.turn.fetch_add(1, Ordering::Relaxed) % self.targets.len();
        self.api.write_get(request, &self.targets[index]);
        index
    }
}

/// Signs in again and again.
#[derive(Debug)]
pub(crate) struct Logins {
    pub(crate) api: Api,
}

impl Job for Logins {
    fn next(&mut self, request: &mut Vec<u8>) -> usize {
        self.api.write_open(request, "/auth/login", self.api.credentials());
        0
    }
}

/// Rotates a refresh token of its own.
#[derive(Debug)]
pub(crate) struct Refreshes {
    pub(crate) api: Api,
    pub(crate) token: String,
}

impl Job for Refreshes {
    fn next(&mut self, request: &mut Vec<u8>) -> usize {
        let body = serde_json::json!({ "refresh_token": self.token }).to_string();
        self.api.write_open(request, "/auth/refresh", body.as_bytes());
        0
    }

    fn answered(&mut self, answer: &Answer<'_>) {
        let tokens: Json = serde_json::from_slice(answer.body).unwrap_or_default();
        if let Some(token) = tokens["refresh_token"].as_str() {
            token.clone_into(&mut self.token);
        }
    }
}
