//! Spans for an OpenTelemetry collector.
#![cfg(feature = "otel")]

#[path = "support/server.rs"]
mod server;

use poem::endpoint::make;
use poem::listener::{Acceptor as _, Listener as _, TcpListener};
use poem::{Body, Request, Server};
use server::TestServer;
use tokio::sync::mpsc::unbounded_channel;

/// A collector takes what is sent, a span of each request with what it was about; the caller's own span is
/// its parent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_request_is_a_span_at_the_collector() {
    let (send, mut sent) = unbounded_channel::<(String, Vec<u8>)>();
    let collector = make(move |mut request: Request| {
        let send = send.clone();
        async move {
            let path = request.uri().path().to_owned();
            let body = request.take_body().into_vec().await.expect("a body");
            let _ = send.send((path, body));
            Ok::<_, poem::Error>(Body::empty())
        }
    });
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.expect("a port");
    let address = acceptor.local_addr()[0].as_socket_addr().copied().expect("an address");
    let collecting = tokio::spawn(Server::new_with_acceptor(acceptor).run(collector));

    let mut server = TestServer::builder()
        .options(|options| options.otlp_endpoint = Some(format!("http://{address}")))
        .start()
        .await;
    let tenant = server.tenant("aster").await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let tokens = tenant.tokens().await.expect("tokens");
    let answer = reqwest::Client::new()
        .get(format!("{}/api/v1/aster/entities?q=hidden", server.base_url))
        .bearer_auth(tokens.access_token.expose())
        .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
        .send()
        .await;
    assert_eq!(answer.expect("an answer").status(), 200);
    // The end sends what was gathered.
    server.stop().await;

    let mut all = Vec::new();
    while let Ok((path, body)) = sent.try_recv() {
        assert_eq!(path, "/v1/traces");
        all.extend(body);
    }
    // Protobuf keeps texts as they are, and ids as bytes.
    let has = |what: &[u8]| all.windows(what.len()).any(|w| w == what);
    for text in ["vivero", "entity_list", "platform_tenant_create", "aster", "vivero.request_id"] {
        assert!(has(text.as_bytes()), "{text} is not in the spans");
    }
    let id: Vec<u8> = (0..32)
        .step_by(2)
        .map(|i| u8::from_str_radix(&trace[i..i + 2], 16).expect("hexadecimal"))
        .collect();
    assert!(has(&id), "the caller's trace goes on");
    assert!(!has(b"hidden") && !has(tokens.access_token.expose().as_bytes()));
    collecting.abort();
}
