//! Passwords: Argon2id with OWASP's minimum (19 MiB, 2 passes, 1 lane), inside a fixed memory cap.

use crate::clock::IdSource;
use crate::error::{Check, Error, Result};
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// Shortest password, in characters.
pub const MIN_CHARS: usize = 8;
/// Longest password, in characters.
pub const MAX_CHARS: usize = 128;
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Verifications at once: each holds 19 MiB and one core.
const AT_ONCE: usize = 2;
/// Verifications that may wait; more are told to come back.
const WAITING: usize = 32;

/// Among the most used passwords of published breaches, those of eight characters and more.
const COMMON: &[&str] = &[
    "12345678",
    "123456789",
    "1234567890",
    "password",
    "password1",
    "password123",
    "qwertyuiop",
    "qwerty123",
    "11111111",
    "00000000",
    "iloveyou",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "letmein1",
    "welcome1",
    "passw0rd",
    "p@ssw0rd",
    "abcd1234",
    "abc12345",
    "qwertyui",
    "asdfghjk",
    "asdfghjkl",
    "zxcvbnm1",
    "87654321",
    "987654321",
    "0987654321",
    "12341234",
    "123123123",
    "11223344",
    "computer",
    "internet",
    "michelle",
    "jennifer",
    "starwars",
    "whatever",
    "changeme",
    "administrator",
    "admin123",
    "password!",
    "password12",
    "passwort",
    "contraseña",
    "motdepasse",
    "wachtwoord",
    "geheim123",
    "hallo123",
    "q1w2e3r4",
    "1234qwer",
    "qwer1234",
    "aa123456",
    "a1234567",
    "88888888",
    "99999999",
    "66666666",
    "55555555",
    "12121212",
    "147258369",
    "789456123",
    "159753258",
    "charlie1",
    "dragon12",
    "liverpool",
    "chocolate",
    "butterfly",
    "password2",
    "welcome123",
    "summer2026",
    "winter2026",
    "spring2026",
    "autumn2026",
    "vivero123",
    "nursery1",
    "gardening",
];

/// Checks a chosen password: 8 to 128 characters, not common, not made of the person's own words.
pub fn check(check: &mut Check, field: &str, password: &str, own_words: &[&str]) {
    let chars =
        if password.len() > MAX_CHARS * 4 { MAX_CHARS + 1 } else { password.chars().count() };
    if chars < MIN_CHARS {
        check.fail(field, "min_length", format!("must have at least {MIN_CHARS} characters"));
    }
    if chars > MAX_CHARS {
        check.fail(field, "max_length", format!("must have at most {MAX_CHARS} characters"));
        return;
    }
    let lower = password.to_lowercase();
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let own = own_words.iter().any(|w| w.len() >= 4 && lower == w.to_lowercase());
    if chars >= MIN_CHARS && (COMMON.contains(&lower.as_str()) || distinct.len() < 3 || own) {
        check.fail(field, "not_common", "is among the first a guesser tries");
    }
}

/// Hashes and verifies off the async threads, a few at a time.
#[derive(Debug)]
pub struct Passwords {
    permits: Arc<Semaphore>,
    waiting: AtomicUsize,
    params: (u32, u32),
    decoy: String,
}

impl Passwords {
    /// Passwords at full strength.
    pub fn new(ids: &dyn IdSource) -> Result<Self> {
        Self::with_params(ids, MEMORY_KIB, PASSES)
    }

    /// Cheaper hashes, for tests that sign in thousands of times. Never for real people.
    pub fn with_params(ids: &dyn IdSource, memory_kib: u32, passes: u32) -> Result<Self> {
        let params = (memory_kib, passes);
        // Verified when the account does not exist, so that both cases take the same time.
        let decoy = hash_now("a password nobody has", &salt(ids), params)?;
        Ok(Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: AtomicUsize::new(0),
            params,
            decoy,
        })
    }

    /// The hash to store.
    pub async fn hash(&self, password: &str, ids: &dyn IdSource) -> Result<String> {
        let (password, salt, params) = (password.to_owned(), salt(ids), self.params);
        self.run(move || hash_now(&password, &salt, params)).await?
    }

    /// Whether the password fits `stored`. `None` costs the same and is never true.
    pub async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let exists = stored.is_some();
        let (password, hash) = (password.to_owned(), stored.unwrap_or(&self.decoy).to_owned());
        self.run(move || {
            let Ok(parsed) = PasswordHash::new(&hash) else {
                return Err(Error::corrupt("a stored password hash does not parse"));
            };
            // A hash with monstrous parameters must not be able to take the machine down.
            let cost = |name: &str| parsed.params.get_decimal(name).unwrap_or(u32::MAX);
            if cost("m") > MEMORY_KIB * 8 || cost("t") > 16 || cost("p") > 4 {
                return Err(Error::corrupt("a stored password hash has parameters out of bounds"));
            }
            let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(fits && exists)
        })
        .await?
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let shed =
            || Error::Unavailable { what: "sign-in capacity".into(), retry_after: 2, source: None };
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(shed());
        }
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let permit = permit.map_err(|_| shed())?;
        // The permit moves in: a caller that goes away does not free memory that is still in use.
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
        .map_err(|e| Error::internal("hashing a password", e))
    }
}

fn salt(ids: &dyn IdSource) -> [u8; 16] {
    let mut salt = [0; 16];
    ids.fill(&mut salt);
    salt
}

fn hash_now(password: &str, salt: &[u8], (memory, passes): (u32, u32)) -> Result<String> {
    let params = Params::new(memory, passes, 1, None)
        .map_err(|e| Error::internal("argon2 parameters", e.to_string()))?;
    let hash: argon2::password_hash::phc::PasswordHash =
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(password.as_bytes(), salt)
            .map_err(|e| Error::internal("hashing a password", e.to_string()))?;
    Ok(hash.to_string())
}
