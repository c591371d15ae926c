//! The document and a page to read it, both without anything from elsewhere.

use crate::api::api;
use crate::openapi::{self, Document};
use crate::reply::json_bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use poem::endpoint::make_sync;
use poem::http::{HeaderValue, StatusCode, header};
use poem::{Endpoint, Response};
use sha2::{Digest as _, Sha256};

/// The document.
pub(crate) fn json(document: &Document) -> impl Endpoint<Output = Response> + 'static {
    let bytes = Bytes::from(document.text.clone());
    make_sync(move |_| json_bytes(StatusCode::OK, bytes.clone()))
}

/// The page. Its scripts are in it, and only they may run.
pub(crate) fn page(document: &Document) -> impl Endpoint<Output = Response> + 'static {
    let service = openapi::service(api());
    let html = service.swagger_ui_html().replace(&service.spec(), &document.text);
    let html = html.replace("<title>Swagger UI</title>", "<title>vivero API</title>");
    let policy = HeaderValue::try_from(policy(&html));
    let html = Bytes::from(html.replacen(
        "\n<html charset=\"UTF-8\">",
        "<!DOCTYPE html>\n<html lang=\"en\">",
        1,
    ));
    make_sync(move |_| {
        let length = HeaderValue::from(html.len());
        let mut response = Response::from(html.clone());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::CONTENT_LENGTH, length);
        if let Ok(policy) = &policy {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy.clone());
        }
        response
    })
}

/// Allows the scripts of `html` by what they are, styles, pictures out of the page, and calls to this
/// server.
fn policy(html: &str) -> String {
    let mut policy = String::from("default-src 'none'; script-src");
    // From one script's end to the next one's start: scripts speak of scripts inside.
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once("<script") {
        let Some((code, after)) =
            tag.split_once('>').and_then(|(_, code)| code.split_once("</script>"))
        else {
            break;
        };
        policy.push_str(" 'sha256-");
        policy.push_str(&STANDARD.encode(Sha256::digest(code)));
        policy.push('\'');
        rest = after;
    }
    policy.push_str(
        "; style-src 'unsafe-inline'; img-src 'self' data:; font-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_allowed_whatever_it_speaks_of() {
        let html = "<script a=\"b\">f('<script>')</script><p><script>g()</script>";
        let policy = policy(html);
        for code in ["f('<script>')", "g()"] {
            let hash = STANDARD.encode(Sha256::digest(code));
            assert!(policy.contains(&format!("'sha256-{hash}'")), "{policy}");
        }
        assert_eq!(policy.matches("sha256-").count(), 2);
    }
}
