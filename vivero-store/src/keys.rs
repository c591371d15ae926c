//! The key of an installation: under it tenants' passwords lie in the registry, and archives are sealed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
#[cfg(feature = "mariadb")]
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
#[cfg(feature = "mariadb")]
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use std::fmt;
use std::path::PathBuf;
use vivero_core::{Error, Result};

/// Where the key of an installation comes from. It is 32 bytes, is kept apart from the database, and
/// without it no tenant's database opens.
pub trait KeyProvider: Send + Sync + fmt::Debug {
    /// The key. Called once, at opening. Errors say where it was looked for.
    fn key(&self) -> Result<[u8; 32]>;
}

/// A key in a file: 32 bytes in base64, as `openssl rand -base64 32` prints them.
#[derive(Debug, Clone)]
pub struct KeyFile(pub PathBuf);

impl KeyProvider for KeyFile {
    fn key(&self) -> Result<[u8; 32]> {
        let shown = self.0.display();
        let text = std::fs::read_to_string(&self.0)
            .map_err(|e| Error::invalid("key_file", "readable", format!("{shown}: {e}")))?;
        decode("key_file", &text)
    }
}

/// A key as text: 32 bytes in base64.
#[derive(Clone)]
pub struct KeyText(pub String);

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText")
    }
}

impl KeyProvider for KeyText {
    fn key(&self) -> Result<[u8; 32]> {
        decode("key", &self.0)
    }
}

fn decode(field: &'static str, text: &str) -> Result<[u8; 32]> {
    let bad = || {
        let message = "must hold 32 bytes in base64, as `openssl rand -base64 32` prints them";
        Error::invalid(field, "key", message)
    };
    STANDARD.decode(text.trim()).ok().and_then(|key| key.try_into().ok()).ok_or_else(bad)
}

/// First byte of what was sealed in this way.
#[cfg(feature = "mariadb")]
const FORM: u8 = 1;
#[cfg(feature = "mariadb")]
const NONCE: usize = 24;

/// Seals and opens small secrets.
#[cfg(feature = "mariadb")]
pub(crate) struct Vault(XChaCha20Poly1305);

#[cfg(feature = "mariadb")]
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

#[cfg(feature = "mariadb")]
impl Vault {
    pub(crate) fn new(provider: &dyn KeyProvider) -> Result<Self> {
        Ok(Self(XChaCha20Poly1305::new(&provider.key()?.into())))
    }

    /// Seals a secret for one place: `of` must be the same when it is opened, so that one cannot be
    /// put in the place of another.
    pub(crate) fn seal(&self, secret: &[u8], of: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE];
        rand::fill(&mut nonce);
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: of })
            .map_err(|_| Error::corrupt("a secret cannot be sealed"))?;
        Ok([&[FORM], nonce.as_slice(), &sealed].concat())
    }

    pub(crate) fn open(&self, sealed: &[u8], of: &[u8]) -> Option<Vec<u8>> {
        let (form, rest) = sealed.split_first()?;
        let (nonce, text) = rest.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        if *form != FORM {
            return None;
        }
        self.0.decrypt(&XNonce::from(nonce), Payload { msg: text, aad: of }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "mariadb")]
    #[test]
    fn a_secret_opens_with_its_key_in_its_place_only() {
        let vault = |byte| Vault::new(&KeyText(STANDARD.encode([byte; 32]))).expect("a vault");
        let sealed = vault(1).seal(b"secret", b"here").expect("sealed");
        assert_eq!(vault(1).open(&sealed, b"here").as_deref(), Some(b"secret".as_slice()));
        assert_eq!(vault(1).open(&sealed, b"there"), None, "another place");
        assert_eq!(vault(2).open(&sealed, b"here"), None, "another key");
        let mut edited = sealed.clone();
        *edited.last_mut().expect("bytes") ^= 1;
        assert_eq!(vault(1).open(&edited, b"here"), None, "edited");
        assert_eq!(vault(1).open(&sealed[..20], b"here"), None, "cut off");
        assert_ne!(
            vault(1).seal(b"secret", b"here").expect("sealed"),
            sealed,
            "never twice the same"
        );
    }

    #[test]
    fn a_key_that_is_none_is_refused_in_words() {
        for text in ["", "short", "?", &STANDARD.encode([0; 31])] {
            let refused = KeyText(text.into()).key().expect_err("no key").to_string();
            assert!(refused.contains("openssl rand -base64 32"), "{refused}");
        }
        let missing = KeyFile("/nowhere/at/all".into()).key().expect_err("no file").to_string();
        assert!(missing.contains("/nowhere/at/all"), "{missing}");
    }
}
