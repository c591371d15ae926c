//! The key of each archive, from the installation's.

use crate::keys::KeyProvider;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit as _;
use hkdf::Hkdf;
use sha2::Sha256;
use std::fmt;
use vivero_core::{Error, Result};

/// The installation's key, as archives are sealed with it.
#[derive(Clone)]
pub struct ArchiveKey([u8; 32]);

impl fmt::Debug for ArchiveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ArchiveKey")
    }
}

impl ArchiveKey {
    /// From where the installation's key comes from.
    pub fn new(provider: &dyn KeyProvider) -> Result<Self> {
        Ok(Self(provider.key()?))
    }

    /// The cipher of one archive.
    pub(super) fn cipher(&self, salt: &[u8]) -> Result<XChaCha20Poly1305> {
        let mut key = [0; 32];
        Hkdf::<Sha256>::new(Some(salt), &self.0)
            .expand(b"vivero archive 1", &mut key)
            .map_err(|_| Error::corrupt("a key cannot be derived"))?;
        Ok(XChaCha20Poly1305::new(&key.into()))
    }
}
