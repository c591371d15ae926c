//! What an attacker tries with credentials: forged and stolen tokens, guessing, and marks of their own in
//! what we write down.

#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use server::PASSWORD;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vivero_core::{ManualClock, Password, RequestContext, UserId, Vivero};
use vivero_store::Open as _;
use world::{Answer, Tenant, World, answer};

async fn me(world: &World, tenant: &Tenant, token: &str) -> Answer {
    world.call(&Method::GET, &format!("/api/v1/{}/me", tenant.slug), token, None).await
}

async fn auth(world: &World, slug: &str, what: &str, body: Value) -> Answer {
    world.call(&Method::POST, &format!("/api/v1/{slug}/auth/{what}"), "", Some(&body)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_tokens_open_nothing() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let good = &tenant.tokens.access_token;
    assert_eq!(me(&world, &tenant, good).await.status, 200);
    let [head, claims, signature] = good.split('.').collect::<Vec<_>>()[..] else {
        panic!("{good}")
    };
    let read = |part: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let kid = read(head)["kid"].as_str().expect("a key id").to_owned();
    let said = read(claims);
    let mut forged = Vec::new();
    for name in ["none", "None", "NONE", ""] {
        let head = part(&json!({"typ": "at+jwt", "alg": name, "kid": kid}));
        forged.push((format!("alg {name}"), format!("{head}.{claims}.")));
        forged.push((format!("alg {name}, signed"), format!("{head}.{claims}.{signature}")));
    }
    let ours =
        |alg| Header { kid: Some(kid.clone()), typ: Some("at+jwt".into()), ..Header::new(alg) };
    for key in ["", "secret", "vivero", kid.as_str(), signature] {
        let signed =
            encode(&ours(Algorithm::HS256), &said, &EncodingKey::from_secret(key.as_bytes()));
        forged.push((format!("HS256 with {key:?}"), signed.expect("a token")));
    }
    // PKCS #8 of an Ed25519 key that is not ours.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([7; 32]);
    let theirs = EncodingKey::from_ed_der(&der);
    forged.push((
        "another's key".into(),
        encode(&ours(Algorithm::EdDSA), &said, &theirs).expect("a token"),
    ));
    let brought =
        Header { jku: Some("https://evil.example/jwks".into()), ..ours(Algorithm::EdDSA) };
    forged.push(("a key brought along".into(), encode(&brought, &said, &theirs).expect("a token")));
    for (name, value) in [
        ("sub", json!("00000000-0000-0000-0000-000000000000")),
        ("tid", json!("00000000-0000-0000-0000-000000000000")),
        ("exp", json!(9_999_999_999_i64)),
        ("aud", json!("other")),
    ] {
        let mut changed = said.clone();
        changed[name] = value;
        forged.push((format!("{name} changed"), format!("{head}.{}.{signature}", part(&changed))));
    }
    let mut bits = signature.to_owned();
    bits.replace_range(..1, if bits.starts_with('A') { "B" } else { "A" });
    forged.push(("another signature".into(), format!("{head}.{claims}.{bits}")));
    forged.push(("no signature".into(), format!("{head}.{claims}")));
    forged.push(("a part more".into(), format!("{good}.{signature}")));
    forged.push(("padding".into(), format!("{good}=")));
    forged.push(("a refresh token".into(), tenant.tokens.refresh_token.clone()));
    forged.push(("endless text".into(), "a".repeat(100_000)));
    for (what, token) in &forged {
        let given = me(&world, &tenant, token).await;
        let too_long = token.len() > 50_000 && given.status == 431;
        assert!(given.status == 401 || too_long, "{what}: {} {}", given.status, given.text);
        assert!(!given.text.contains(kid.as_str()), "{what}: {}", given.text);
        if !token.is_empty() && token.len() <= 500 {
            let given = auth(
                &world,
                &tenant.slug,
                "refresh",
                json!({"refresh_token": format!("vrt_{token}")}),
            )
            .await;
            assert_eq!(given.status, 401, "{what} as a refresh token: {}", given.text);
        }
    }
    // An access token is no refresh token either.
    let given = auth(&world, &tenant.slug, "refresh", json!({"refresh_token": good})).await;
    assert!(given.status == 401 || given.status == 400, "{}", given.text);
    assert_eq!(me(&world, &tenant, good).await.status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_end() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let url = server::engine::url(world.server.folder.path());
    // Signed in at the same installation, but some time ago.
    for (minutes, status) in [(14, 200), (16, 401), (60, 401)] {
        let then = world.server.vivero().now() - chrono::Duration::minutes(minutes);
        let builder =
            Vivero::builder().weak_passwords_for_tests().clock(Arc::new(ManualClock::new(then)));
        let past = server::with_key(builder).open(&url).await.expect("the installation");
        let password = Password::new(&tenant.email, PASSWORD);
        let signed_in = past.log_in(&tenant.slug, password, None, RequestContext::default()).await;
        let tokens = signed_in.expect("a sign-in").tokens;
        past.close().await;
        assert_eq!(
            me(&world, &tenant, &tokens.access_token).await.status,
            status,
            "after {minutes} minutes"
        );
        let refresh = json!({"refresh_token": tokens.refresh_token});
        assert_eq!(auth(&world, &tenant.slug, "refresh", refresh).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_refreshes_at_once_get_one_successor_and_a_stolen_token_ends_the_family() {
    let world = Arc::new(World::start().await);
    let tenant = world.tenant("aster").await;
    let first = tenant.tokens.refresh_token.clone();
    let requests: Vec<_> = (0..50)
        .map(|_| {
            let (world, slug, body) =
                (Arc::clone(&world), tenant.slug.clone(), json!({"refresh_token": first}));
            tokio::spawn(async move { auth(&world, &slug, "refresh", body).await })
        })
        .collect();
    let (mut successors, mut access) = (BTreeSet::new(), String::new());
    for request in requests {
        let given = request.await.expect("a request");
        assert_eq!(given.status, 200, "{}", given.text);
        let text = |name: &str| given.json()[name].as_str().expect("a token").to_owned();
        successors.insert(text("refresh_token"));
        access = text("access_token");
    }
    assert_eq!(successors.len(), 1, "one successor");
    assert!(!successors.contains(&first));
    assert_eq!(me(&world, &tenant, &access).await.status, 200, "nobody is logged out");
    let second = successors.first().expect("a successor");
    let third = auth(&world, &tenant.slug, "refresh", json!({"refresh_token": second})).await;
    assert_eq!(third.status, 200);
    // The successor has been used: whoever still has the first has stolen it.
    for token in [first.as_str(), second, third.json()["refresh_token"].as_str().expect("a token")]
    {
        let given = auth(&world, &tenant.slug, "refresh", json!({"refresh_token": token})).await;
        assert_eq!(given.status, 401, "{}", given.text);
    }
    for token in [
        &access,
        &tenant.tokens.access_token,
        third.json()["access_token"].as_str().expect("a token"),
    ] {
        assert_eq!(me(&world, &tenant, token).await.status, 401);
    }
    // Another sign-in of the same person is another family, and the theft is on record.
    let (session, tokens) = world.sign_in(&tenant.slug, &tenant.email).await;
    assert_eq!(me(&world, &tenant, &tokens.access_token).await.status, 200);
    session.seal().await.expect("a head");
    let trail = session.audit(None, 200).await.expect("the trail");
    assert_eq!(trail.iter().filter(|e| e.entry.action == "session.reuse_detected").count(), 1);
    assert_eq!(trail.iter().filter(|e| e.entry.action == "session.refresh").count(), 2);
    let shown = format!("{trail:?}");
    assert!(
        !shown.contains(second.as_str()) && !shown.contains("argon2"),
        "secrets are in the trail"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guesser_learns_nothing_about_who_is_there() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant("aster").await, world.tenant("bryonia").await);
    let users = tenant.session.users();
    let disabled = tenant.person(&world, "disabled", "Viewer", None).await;
    let patch = vivero_core::service::UserPatch {
        status: Some(vivero_core::user::UserStatus::Disabled),
        ..Default::default()
    };
    users.update(UserId::from_uuid(disabled.id), 2, patch).await.expect("an edit");
    let deleted = tenant.person(&world, "deleted", "Viewer", None).await;
    users.soft_delete(UserId::from_uuid(deleted.id), None).await.expect("a deletion");
    let invited = format!("invited@{}.example", tenant.word);
    let (a, nobody) = (tenant.slug.as_str(), "nobody@aster.example");
    let tries = [
        ("a wrong password", a, tenant.email.as_str(), "a wrong one"),
        ("nobody's address", a, nobody, PASSWORD),
        ("a disabled person", a, disabled.email.as_str(), PASSWORD),
        ("a deleted person", a, deleted.email.as_str(), PASSWORD),
        ("someone only invited", a, invited.as_str(), PASSWORD),
        ("another tenant's person", a, other.email.as_str(), PASSWORD),
        ("no such tenant", "nobody-nursery", tenant.email.as_str(), PASSWORD),
        ("no possible tenant", "Nobody", tenant.email.as_str(), PASSWORD),
    ];
    let mut seen = BTreeSet::new();
    for (what, slug, email, password) in tries {
        let given =
            auth(&world, slug, "login", json!({"email": email, "password": password})).await;
        assert_eq!(given.status, 401, "{what}: {}", given.text);
        let mut body = given.json();
        body["request_id"] = Value::Null;
        let names: BTreeSet<&str> =
            given.headers.keys().map(reqwest::header::HeaderName::as_str).collect();
        seen.insert(format!("{body} {names:?}"));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
    // Guessing on is slowed down for whoever is there and for whoever is not.
    for email in [tenant.email.as_str(), nobody] {
        let mut refused = false;
        for _ in 0..20 {
            let given =
                auth(&world, a, "login", json!({"email": email, "password": "a wrong one"})).await;
            refused |= given.status == 429 && given.headers.contains_key("retry-after");
        }
        assert!(refused, "{email} can be guessed at without end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_ids_cannot_forge_anything() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let path = format!("/api/v1/{}/entities", tenant.slug);
    for (number, (id, kept)) in [
        ("harmless-1_2.3", true),
        ("two words", false),
        ("quote\"", false),
        ("<script>", false),
        ("a=b", false),
        ("${jndi:x}", false),
        (&"x".repeat(129), false),
    ]
    .into_iter()
    .enumerate()
    {
        let lot =
            json!({"code": format!("R-{number}"), "name": "x", "type": "seed", "quantity": 1});
        let request = world.request(&Method::POST, &path, &tenant.tokens.access_token);
        let given = answer(request.header("X-Request-Id", id).json(&lot)).await;
        assert_eq!(given.status, 201, "{}", given.text);
        let shown = given.headers["x-request-id"].to_str().expect("text").to_owned();
        assert_eq!(shown == id, kept, "{shown}");
        tenant.session.seal().await.expect("a head");
        let last = tenant.session.audit(None, 1).await.expect("the trail").remove(0);
        assert_eq!(last.entry.cause.as_deref(), Some(shown.as_str()));
    }
    for bytes in [&b"a\x1b[31mred"[..], b"a\x0b", b"\xff\xfe", b"a\r\n b"] {
        let mut request =
            b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-request-id: ".to_vec();
        request.extend_from_slice(bytes);
        request.extend_from_slice(b"\r\n\r\n");
        let given = world.raw(&request).await;
        assert!(given.starts_with("HTTP/1.1 200") || given.starts_with("HTTP/1.1 400"), "{given}");
        assert!(
            !given.contains('\x1b') && !given.contains('\x0b') && !given.contains("red"),
            "{given}"
        );
    }
    let given = world
        .raw(b"GET /health/live%0d%0ax-evil:1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await;
    assert!(
        given.starts_with("HTTP/1.1 404") && !given.to_lowercase().contains("x-evil"),
        "{given}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_http_gets_a_problem_and_harms_nobody() {
    let world = World::start().await;
    let long = "x".repeat(1_000_000);
    let cases = [
        ("noise", b"\x00\x01\x02\x03\r\n\r\n".to_vec(), "400"),
        ("no version", b"GET /\r\n\r\n".to_vec(), "400"),
        ("an endless line", format!("GET /{long} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(), "414"),
        ("endless headers", format!("GET / HTTP/1.1\r\nhost: x\r\nx-a: {long}\r\n\r\n").into_bytes(), "431"),
        ("two lengths", b"POST /api/v1/trials HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nabcde".to_vec(), "400"),
    ];
    for (what, bytes, status) in cases {
        let given = world.raw(&bytes).await;
        assert!(given.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {given:.300}");
        assert!(
            given.contains("application/problem+json") && given.contains("nosniff"),
            "{what}: {given:.300}"
        );
    }
    // A body that never comes to its end is no reason to wait for it.
    let cut = b"POST /api/v1/trials HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"a\"";
    let mut stream = world.connect().await;
    stream.write_all(cut).await.expect("a part of a request");
    stream.shutdown().await.expect("an end");
    let mut given = String::new();
    let _ = stream.read_to_string(&mut given).await;
    assert!(given.is_empty() || given.starts_with("HTTP/1.1 400"), "{given}");
    assert_eq!(world.call(&Method::GET, "/health/ready", "", None).await.status, 200);
}
