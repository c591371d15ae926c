use crate::broken;
use vivero_core::SeededIds;
use vivero_core::error::{Check, ErrorKind};
use vivero_core::password::{MAX_CHARS, MIN_CHARS, Passwords, check};

fn verdict(password: &str, own: &[&str]) -> String {
    let mut rules = Check::new();
    check(&mut rules, "password", password, own);
    broken(rules).join(", ")
}

#[test]
fn passwords_are_taken_and_refused_at_their_limits() {
    let (short, common) = ("password: min_length", "password: not_common");
    for (password, wanted) in [
        ("", short),
        ("abcdefg", short),
        ("abcdefgh", ""),
        ("äöüßéèàç", ""),
        ("🌱🌿🪴🌱🌿🪴🌱", short),
        ("🌱🌿🪴🌱🌿🪴🌱🌿", ""),
        ("        ", common),
        ("aaaaaaaaaaaaaaaaaaaa", common),
        ("abababababab", common),
        ("abcabcabc", ""),
        ("password", common),
        ("PassWord", common),
        ("PASSW0RD", common),
        ("CONTRASEÑA", common),
        ("password but longer", ""),
        ("no capital no digit no sign", ""),
        ("tab\tand\nnul\0 are characters too", ""),
    ] {
        assert_eq!(verdict(password, &[]), wanted, "{password:?}");
    }
    assert_eq!((MIN_CHARS, MAX_CHARS), (8, 128));
    let at_most = "🌱x y".repeat(32);
    assert_eq!(at_most.chars().count(), 128);
    assert_eq!(verdict(&at_most, &[]), "");
    for long in [format!("{at_most}z"), "x y z".repeat(1_000_000)] {
        assert_eq!(verdict(&long, &[]), "password: max_length");
    }
}

#[test]
fn ones_own_words_are_no_password() {
    let own = ["robin.hood", "robin.hood@example.com", "Robin Hood", "hi"];
    for password in ["robin.hood", "ROBIN.HOOD", "Robin.Hood@Example.com", "robin hood"] {
        assert_eq!(verdict(password, &own), "password: not_common", "{password}");
    }
    for password in ["robin.hood1", "maid marian", "robinhood"] {
        assert_eq!(verdict(password, &own), "", "{password}");
    }
}

fn cheap() -> (Passwords, SeededIds) {
    let ids = SeededIds::new(1);
    (Passwords::with_params(&ids, 64, 1).expect("parameters"), ids)
}

#[tokio::test]
async fn a_hash_fits_its_own_password_only() {
    let (passwords, ids) = cheap();
    let secret = "correct horse 🐎 battery";
    let hash = passwords.hash(secret, &ids).await.expect("a hash");
    assert!(!hash.contains("horse"));
    assert_ne!(hash, passwords.hash(secret, &ids).await.expect("a hash"), "salts differ");
    for (typed, fits) in [
        (secret, true),
        ("correct horse 🐎 batterY", false),
        ("correct horse 🐎 battery ", false),
        ("correct horse", false),
        ("", false),
    ] {
        let verdict = passwords.verify(typed, Some(&hash)).await.expect("a verdict");
        assert_eq!(verdict, fits, "{typed:?}");
    }
    for typed in ["a password nobody has", secret, ""] {
        assert!(!passwords.verify(typed, None).await.expect("a verdict"), "nobody is let in");
    }
}

#[tokio::test]
async fn long_passwords_are_not_cut_off() {
    let (passwords, ids) = cheap();
    let long = "x".repeat(127) + "y";
    let hash = passwords.hash(&long, &ids).await.expect("a hash");
    let almost = "x".repeat(128);
    assert!(passwords.verify(&long, Some(&hash)).await.expect("a verdict"));
    assert!(!passwords.verify(&almost, Some(&hash)).await.expect("a verdict"));
}

#[tokio::test]
async fn full_strength_is_what_owasp_asks() {
    let ids = SeededIds::new(1);
    let passwords = Passwords::new(&ids).expect("parameters");
    let hash = passwords.hash("correct horse", &ids).await.expect("a hash");
    assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    let (cheaper, _) = cheap();
    let fits = cheaper.verify("correct horse", Some(&hash)).await.expect("a verdict");
    assert!(fits, "a stored hash brings its own parameters");
}

#[tokio::test]
async fn damaged_or_monstrous_hashes_are_damage_not_a_wrong_password() {
    let (passwords, _) = cheap();
    let salt_and_hash = "c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
    for (name, hash) in [
        ("empty", String::new()),
        ("plain text", "correct horse".into()),
        ("memory", format!("$argon2id$v=19$m=4194304,t=2,p=1${salt_and_hash}")),
        ("passes", format!("$argon2id$v=19$m=64,t=4000000,p=1${salt_and_hash}")),
        ("lanes", format!("$argon2id$v=19$m=19456,t=2,p=255${salt_and_hash}")),
        ("no parameters", format!("$argon2id$v=19${salt_and_hash}")),
    ] {
        let refused = passwords.verify("x", Some(&hash)).await.expect_err(name);
        assert_eq!(refused.code(), "data_damaged", "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_sign_ins_is_shed_not_queued() {
    let ids = SeededIds::new(1);
    let passwords =
        std::sync::Arc::new(Passwords::with_params(&ids, 8 * 1024, 4).expect("parameters"));
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let passwords = std::sync::Arc::clone(&passwords);
            tokio::spawn(async move { passwords.verify("x", None).await })
        })
        .collect();
    let (mut served, mut shed) = (0, 0);
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(fits) => {
                assert!(!fits);
                served += 1;
            }
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::Unavailable);
                shed += 1;
            }
        }
    }
    assert!(served >= 32, "as many as may wait are served: {served}");
    assert!(shed > 0, "the others are told to come back: {shed}");
    assert!(!passwords.verify("x", None).await.expect("afterwards there is room again"));
}
