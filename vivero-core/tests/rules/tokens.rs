//! Access tokens, good ones and forged ones (OWASP ASVS 9.1 and 9.2).

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use ed25519_dalek::pkcs8::EncodePublicKey as _;
use ed25519_dalek::{Signer as _, SigningKey};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use vivero_core::token::{ACCESS_SECONDS, LEEWAY_SECONDS, Tokens, random_secret, secret_hash};
use vivero_core::{SeededIds, SessionId, TenantId, UserId, Uuid};

const SEED: [u8; 32] = [7; 32];

fn tokens() -> Tokens {
    Tokens::new(&SEED, [8; 32]).expect("keys")
}
fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_352_000, 0).expect("in range")
}
fn ids() -> (TenantId, UserId, SessionId) {
    let id = Uuid::from_u128;
    (TenantId::from_uuid(id(1)), UserId::from_uuid(id(2)), SessionId::from_uuid(id(3)))
}
fn issued() -> String {
    let (tenant, user, session) = ids();
    tokens().issue(tenant, user, session, now()).expect("a token")
}
fn part(token: &str, index: usize) -> Json {
    let text = token.split('.').nth(index).expect("a part");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON")
}
fn encode(json: &Json) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}
/// A token with any header and claims, rightly signed with the installation's own key: only what
/// it says can be the reason to refuse it.
fn signed(header: &Json, claims: &Json) -> String {
    let body = format!("{}.{}", encode(header), encode(claims));
    let signature = SigningKey::from_bytes(&SEED).sign(body.as_bytes());
    format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}
fn with(json: &Json, field: &str, value: Json) -> Json {
    let mut json = json.clone();
    if value == json!("<missing>") {
        json.as_object_mut().expect("an object").remove(field);
    } else {
        json[field] = value;
    }
    json
}
#[track_caller]
fn assert_refused(token: &str, why: &str) {
    let refused = tokens().verify(token, now()).expect_err(why);
    assert_eq!(refused.code(), "unauthenticated", "{why}");
}

#[test]
fn an_issued_token_says_who_and_where_and_no_more() {
    let access = tokens().verify(&issued(), now()).expect("our own token");
    assert_eq!((access.tenant(), access.user(), access.session()), ids());
    let header = part(&issued(), 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    assert!(header["kid"].is_string());
    let claims = part(&issued(), 1);
    let names: Vec<&String> = claims.as_object().expect("an object").keys().collect();
    assert_eq!(names.len(), 8, "no permissions and no names in it: {names:?}");
    assert_eq!(claims["exp"], json!(now().timestamp() + ACCESS_SECONDS));
}

#[test]
fn a_token_made_by_hand_from_the_same_parts_is_good() {
    // Without this, the refusals below could have any reason.
    let token = signed(&part(&issued(), 0), &part(&issued(), 1));
    tokens().verify(&token, now()).expect("the forger of these tests writes good tokens");
}

#[test]
fn other_algorithms_are_refused() {
    let (header, claims) = (part(&issued(), 0), part(&issued(), 1));
    for alg in
        ["none", "None", "NONE", "HS256", "HS512", "RS256", "PS256", "ES256", "ES384", "", "eddsa"]
    {
        let header = with(&header, "alg", json!(alg));
        assert_refused(&signed(&header, &claims), alg);
        let bare = format!("{}.{}.", encode(&header), encode(&claims));
        assert_refused(&bare, "without a signature");
        assert_refused(bare.trim_end_matches('.'), "without a third part");
    }
    for alg in [json!(null), json!(["EdDSA"]), json!("<missing>")] {
        assert_refused(&signed(&with(&header, "alg", alg), &claims), "no algorithm");
    }
}

#[test]
fn a_mac_keyed_with_the_public_key_is_refused() {
    let public = SigningKey::from_bytes(&SEED).verifying_key();
    let der = public.to_public_key_der().expect("DER");
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        STANDARD.encode(der.as_bytes())
    );
    let header = with(&part(&issued(), 0), "alg", json!("HS256"));
    for key in [public.as_bytes().as_slice(), der.as_bytes(), pem.as_bytes()] {
        let body = format!("{}.{}", encode(&header), encode(&part(&issued(), 1)));
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key");
        mac.update(body.as_bytes());
        let mac = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert_refused(&format!("{body}.{mac}"), "HMAC with the public key");
    }
}

#[test]
fn headers_that_bring_their_own_key_are_refused() {
    let (header, claims) = (part(&issued(), 0), part(&issued(), 1));
    let x = URL_SAFE_NO_PAD.encode(SigningKey::from_bytes(&SEED).verifying_key().as_bytes());
    for (name, value) in [
        ("jku", json!("https://example.com/keys")),
        ("x5u", json!("https://example.com/certificate")),
        ("x5c", json!(["MIIB"])),
        ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": x})),
    ] {
        assert_refused(&signed(&with(&header, name, value), &claims), name);
    }
}

#[test]
fn extensions_that_must_be_understood_are_refused() {
    let (header, claims) = (part(&issued(), 0), part(&issued(), 1));
    let header = with(&with(&header, "crit", json!(["b64"])), "b64", json!(false));
    assert_refused(&signed(&header, &claims), "RFC 7515, section 4.1.11");
    for name in ["cty", "zip", "x5t", "nonce", "url", "whatever"] {
        let header = with(&part(&issued(), 0), name, json!("x"));
        assert_refused(&signed(&header, &claims), "a header we never write");
    }
}

#[test]
fn an_unknown_key_id_or_type_is_refused() {
    let (header, claims) = (part(&issued(), 0), part(&issued(), 1));
    for (field, value) in [
        ("kid", json!("0000000000000000")),
        ("kid", json!("")),
        ("kid", json!("../../etc/passwd")),
        ("kid", json!("<missing>")),
        ("typ", json!("JWT")),
        ("typ", json!("rt+jwt")),
        ("typ", json!("")),
        ("typ", json!("<missing>")),
    ] {
        assert_refused(
            &signed(&with(&header, field, value.clone()), &claims),
            &format!("{field} {value}"),
        );
    }
    let other = Tokens::new(&[9; 32], [8; 32]).expect("keys");
    let (tenant, user, session) = ids();
    let foreign = other.issue(tenant, user, session, now()).expect("a token");
    assert_refused(&foreign, "another installation's token");
    let claims = part(&foreign, 1);
    let body = format!("{}.{}", encode(&header), encode(&claims));
    let signature = SigningKey::from_bytes(&[9; 32]).sign(body.as_bytes());
    let dressed = format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()));
    assert_refused(&dressed, "another installation's signature under our key id");
}

#[test]
fn every_claim_is_required_and_checked() {
    let (header, claims) = (part(&issued(), 0), part(&issued(), 1));
    for field in ["iss", "aud", "sub", "tid", "sid", "iat", "nbf", "exp"] {
        for value in [json!("<missing>"), json!(null), json!([]), json!({}), json!(true), json!("")]
        {
            let token = signed(&header, &with(&claims, field, value.clone()));
            assert_refused(&token, &format!("{field} = {value}"));
        }
    }
    for (field, value) in [
        ("iss", json!("someone")),
        ("iss", json!("Vivero")),
        ("iss", json!(["vivero"])),
        ("aud", json!("someone-else")),
        ("aud", json!(["someone-else"])),
        ("sub", json!("not an id")),
        ("tid", json!("acme")),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(u64::MAX)),
        ("iat", json!(i64::MIN)),
        ("nbf", json!(i64::MAX)),
    ] {
        let token = signed(&header, &with(&claims, field, value.clone()));
        assert_refused(&token, &format!("{field} = {value}"));
    }
    assert_refused(&signed(&header, &json!([])), "claims that are no object");
    assert_refused(&signed(&json!("x"), &claims), "a header that is no object");
}

#[test]
fn a_token_is_good_from_its_start_until_just_before_its_end() {
    let start = now();
    for (after, good) in [
        (-LEEWAY_SECONDS - 1, false),
        (-LEEWAY_SECONDS, true),
        (0, true),
        (ACCESS_SECONDS - 1, true),
        (ACCESS_SECONDS, false),
        (ACCESS_SECONDS + 1, false),
        (ACCESS_SECONDS * 1_000, false),
    ] {
        let verdict = tokens().verify(&issued(), start + Duration::seconds(after));
        assert_eq!(verdict.is_ok(), good, "{after} seconds after its start");
    }
    assert_eq!(LEEWAY_SECONDS, 5, "as much as two clocks may differ");
    let long = with(&part(&issued(), 1), "exp", json!(start.timestamp() + ACCESS_SECONDS + 1));
    assert_refused(&signed(&part(&issued(), 0), &long), "longer than we give");
    let late = with(&part(&issued(), 1), "nbf", json!(start.timestamp() + LEEWAY_SECONDS + 1));
    assert_refused(&signed(&part(&issued(), 0), &late), "not yet good");
}

#[test]
fn a_token_that_was_verified_once_still_ends() {
    let tokens = tokens();
    let token = issued();
    let last = now() + Duration::seconds(ACCESS_SECONDS - 1);
    for at in [now(), now(), last] {
        tokens.verify(&token, at).expect("in time");
    }
    let refused = tokens.verify(&token, last + Duration::seconds(1));
    refused.expect_err("its end comes also for those we remember");
}

#[test]
fn a_token_with_any_character_changed_is_refused() {
    let token = issued();
    tokens().verify(&token, now()).expect("untouched");
    for (i, c) in token.char_indices() {
        for other in ['A', 'B', '.', '_', '='] {
            if other != c {
                let mut changed = token.clone();
                changed.replace_range(i..=i, &other.to_string());
                assert_refused(&changed, &format!("{other} for {c} at {i}"));
            }
        }
    }
    for changed in [
        format!("{token}A"),
        format!("{token}="),
        format!("{token}."),
        format!(".{token}"),
        format!(" {token}"),
        format!("{token}\n"),
        token[..token.len() - 1].to_owned(),
        token[1..].to_owned(),
        token.to_uppercase(),
    ] {
        assert_refused(&changed, &changed);
    }
}

#[test]
fn garbage_is_refused() {
    for text in ["", ".", "..", "...", "a.b.c", "e30.e30.e30", "Bearer x", "\0", "🌱.🌱.🌱", "null"]
    {
        assert_refused(text, text);
    }
    assert_refused(&"a".repeat(1_000_000), "a million characters");
    let padded = with(&part(&issued(), 1), "more", json!("x".repeat(2_000)));
    assert_refused(&signed(&part(&issued(), 0), &padded), "longer than any of ours");
    let (tenant, _, session) = ids();
    let refresh = tokens().refresh_token(tenant, session, &[1; 32], 0);
    assert_refused(&refresh, "a refresh token is not an access token");
}

#[test]
fn nothing_secret_is_shown_by_debug() {
    let (tenant, _, session) = ids();
    let tokens = tokens();
    let claim =
        Tokens::read_refresh(&tokens.refresh_token(tenant, session, &[1; 32], 4)).expect("ours");
    let shown = format!("{tokens:?} {claim:?}");
    assert!(!shown.contains("signing") && !shown.contains("mac"), "{shown}");
}

#[test]
fn secrets_are_long_random_and_stored_as_hashes() {
    let ids = SeededIds::new(1);
    let (one, two) = (random_secret(&ids, "vin_"), random_secret(&ids, "vin_"));
    assert_ne!(one, two);
    assert!(one.starts_with("vin_"));
    let bytes = URL_SAFE_NO_PAD.decode(&one[4..]).expect("base64");
    assert_eq!(bytes.len(), 32, "256 bits");
    assert_eq!(
        secret_hash("abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "SHA-256, by the vector of FIPS 180"
    );
}
