//! What a command works with: the settings, and what the program itself brings.

use crate::config::Config;
use std::ops::{Deref, DerefMut};
use vivero_core::{Result, Vivero};
use vivero_store::Builder;

/// The settings, and what the program adds to every installation it opens.
pub(super) struct Setup {
    config: Config,
    extend: Box<dyn Fn(Builder) -> Builder + Send + Sync>,
}

impl Setup {
    pub(super) fn new(
        config: Config,
        extend: impl Fn(Builder) -> Builder + Send + Sync + 'static,
    ) -> Self {
        Self { config, extend: Box::new(extend) }
    }

    /// The builder of the installation the settings name, with what the program adds.
    pub(super) fn builder(&self) -> Result<Builder> {
        Ok((self.extend)(self.config.builder()?))
    }

    /// The same without the settings' files.
    pub(super) fn storage(&self) -> Result<Builder> {
        Ok((self.extend)(self.config.storage()?))
    }

    /// Opens the installation the settings name.
    pub(super) async fn open(&self) -> Result<Vivero> {
        self.builder()?.open(&self.config.database()).await
    }
}

impl Deref for Setup {
    type Target = Config;

    fn deref(&self) -> &Config {
        &self.config
    }
}

impl DerefMut for Setup {
    fn deref_mut(&mut self) -> &mut Config {
        &mut self.config
    }
}
