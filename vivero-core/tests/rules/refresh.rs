use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use vivero_core::token::{Rotation, Tokens, rotation_rule};
use vivero_core::{SessionId, TenantId, Uuid};

fn tokens() -> Tokens {
    Tokens::new(&[7; 32], [8; 32]).expect("keys")
}
fn tenant(id: u128) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(id))
}
fn session(id: u128) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(id))
}

#[test]
fn the_rule_of_rotation_is_as_published() {
    let far = i64::MAX;
    for (current, presented, rule) in [
        (0, 0, Rotation::Advance),
        (1, 1, Rotation::Advance),
        (1, 0, Rotation::Repeat),
        (2, 1, Rotation::Repeat),
        (2, 0, Rotation::Reused),
        (9, 0, Rotation::Reused),
        (0, 1, Rotation::Reused),
        (0, -1, Rotation::Reused),
        (5, -1, Rotation::Reused),
        (0, far, Rotation::Reused),
        (far, far, Rotation::Advance),
        (far, far - 1, Rotation::Repeat),
        (far, i64::MIN, Rotation::Reused),
        (i64::MIN, far, Rotation::Reused),
    ] {
        assert_eq!(rotation_rule(current, presented), rule, "{presented} presented at {current}");
    }
}

#[test]
fn fifty_at_once_get_one_successor_and_a_late_replay_ends_the_family() {
    let mut current = 0;
    let outcomes: Vec<Rotation> = (0..50)
        .map(|_| {
            let rule = rotation_rule(current, 0);
            current += i64::from(rule == Rotation::Advance);
            rule
        })
        .collect();
    assert_eq!(outcomes.iter().filter(|r| **r == Rotation::Advance).count(), 1);
    assert!(!outcomes.contains(&Rotation::Reused), "nobody is logged out");
    assert_eq!(rotation_rule(current, 1), Rotation::Advance, "the successor is used");
    assert_eq!(rotation_rule(current + 1, 0), Rotation::Reused, "then the first is proof of theft");
}

#[test]
fn a_refresh_token_is_the_same_at_every_call_and_different_for_all_else() {
    let tokens = tokens();
    let one = || tokens.refresh_token(tenant(1), session(1), &[1; 32], 3);
    assert_eq!(one(), one());
    let other_key = Tokens::new(&[7; 32], [9; 32]).expect("keys");
    for other in [
        tokens.refresh_token(tenant(2), session(1), &[1; 32], 3),
        tokens.refresh_token(tenant(1), session(2), &[1; 32], 3),
        tokens.refresh_token(tenant(1), session(1), &[2; 32], 3),
        tokens.refresh_token(tenant(1), session(1), &[1; 32], 4),
        other_key.refresh_token(tenant(1), session(1), &[1; 32], 3),
    ] {
        assert_ne!(one(), other);
    }
    let other_signer = Tokens::new(&[1; 32], [8; 32]).expect("keys");
    let survives = other_signer.refresh_token(tenant(1), session(1), &[1; 32], 3);
    assert_eq!(one(), survives, "sessions outlive a new signing key");
}

proptest! {
    #[test]
    fn a_refresh_token_proves_its_session_and_nothing_else(
        t: u128, s: u128, seed: [u8; 32], rotation: i64, bit in 0..448_usize,
    ) {
        let tokens = tokens();
        let token = tokens.refresh_token(tenant(t), session(s), &seed, rotation);
        let claim = Tokens::read_refresh(&token).expect("our own token");
        prop_assert_eq!((claim.session, claim.rotation), (session(s), rotation));
        prop_assert!(tokens.proves(&claim, tenant(t), &seed));
        prop_assert!(!tokens.proves(&claim, tenant(t ^ 1), &seed), "at another tenant");
        let mut other = seed;
        other[bit % 32] ^= 1;
        prop_assert!(!tokens.proves(&claim, tenant(t), &other), "for another family");
        let stranger = Tokens::new(&[7; 32], [9; 32]).expect("keys");
        prop_assert!(!stranger.proves(&claim, tenant(t), &seed), "at another installation");

        let mut bytes = URL_SAFE_NO_PAD.decode(&token[4..]).expect("base64");
        bytes[bit / 8] ^= 1 << (bit % 8);
        let forged = format!("vrt_{}", URL_SAFE_NO_PAD.encode(&bytes));
        let claim = Tokens::read_refresh(&forged).expect("well formed");
        prop_assert!(!tokens.proves(&claim, tenant(t), &seed), "with bit {} changed", bit);
    }

    #[test]
    fn garbage_is_refused_and_never_panics(
        text in "\\PC{0,90}|vrt_[A-Za-z0-9_-]{0,90}", bytes in proptest::collection::vec(any::<u8>(), 0..90),
    ) {
        let shaped = format!("vrt_{}", URL_SAFE_NO_PAD.encode(&bytes));
        prop_assert_eq!(Tokens::read_refresh(&shaped).is_ok(), bytes.len() == 56);
        if let Ok(claim) = Tokens::read_refresh(&text) {
            prop_assert!(!tokens().proves(&claim, tenant(1), &[1; 32]));
        }
    }
}

#[test]
fn other_tokens_are_no_refresh_tokens() {
    let tokens = tokens();
    let now = chrono::DateTime::UNIX_EPOCH;
    let user = vivero_core::UserId::from_uuid(Uuid::from_u128(1));
    let access = tokens.issue(tenant(1), user, session(1), now).expect("a token");
    let refresh = tokens.refresh_token(tenant(1), session(1), &[1; 32], 0);
    let long = format!("vrt_{}", "A".repeat(1_000_000));
    for text in
        [&access, "", "vrt_", &refresh[4..], &refresh.to_uppercase(), &format!("{refresh}="), &long]
    {
        let refused = Tokens::read_refresh(text).expect_err("not a refresh token");
        assert_eq!(refused.code(), "unauthenticated");
    }
}
