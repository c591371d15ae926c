//! The name under which a request is found in logs, problems and the journal.

use poem::Request;
use poem::http::{HeaderName, HeaderValue};
use vivero_core::Vivero;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id taken from a caller.
const MAX_CHARS: usize = 128;

/// The caller's id if it is harmless, else a fresh one; from here on the request carries it.
pub(super) fn ensure(request: &mut Request, vivero: &Vivero) -> HeaderValue {
    if let Some(id) = request.headers().get(X_REQUEST_ID).filter(|id| is_harmless(id.as_bytes())) {
        return id.clone();
    }
    let mut buffer = [0; uuid::fmt::Simple::LENGTH];
    let id = vivero.ids().id(vivero.now()).simple().encode_lower(&mut buffer);
    let id = HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("-"));
    request.headers_mut().insert(X_REQUEST_ID, id.clone());
    id
}

/// The id a request carries.
pub(super) fn of(request: &Request) -> HeaderValue {
    request.headers().get(X_REQUEST_ID).cloned().unwrap_or(HeaderValue::from_static("-"))
}

/// Only characters that mean nothing to a log, a shell or a terminal.
fn is_harmless(id: &[u8]) -> bool {
    (1..=MAX_CHARS).contains(&id.len())
        && id.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_could_forge_a_log_line_are_not_taken() {
        for good in ["a", "018f-AB_c.9", &"x".repeat(128)] {
            assert!(is_harmless(good.as_bytes()), "{good}");
        }
        for bad in ["", "a b", "a\tb", "x\u{1b}[31m", "a=b", "\"", "ü", &"x".repeat(129)] {
            assert!(!is_harmless(bad.as_bytes()), "{bad}");
        }
    }
}
