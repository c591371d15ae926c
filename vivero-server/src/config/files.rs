//! Where files lie and how they get in, as the settings say.

use super::Config;
use std::sync::Arc;
use vivero_core::files::{FileLimits, FileQuota, FileRules, FileStore, MAX_FILE_BYTES, Scanner};
use vivero_core::service::FileSettings;
use vivero_core::{Error, Result};
use vivero_store::{Clamd, LocalFiles};

impl Config {
    /// The settings for files.
    ///
    /// Errors: [`Error::Invalid`] naming the setting that cannot be; [`Error::Unavailable`] if the
    /// folder cannot be made.
    pub fn files(&self) -> Result<FileSettings> {
        if self.max_file_size == 0 || self.max_file_size > MAX_FILE_BYTES {
            let message = format!("must be 1 to {MAX_FILE_BYTES} bytes");
            return Err(Error::invalid("max_file_size", "range", message));
        }
        let scanner = match &self.clamd {
            Some(address) => Some(Arc::new(clamd(address)?) as Arc<dyn Scanner>),
            None => None,
        };
        Ok(FileSettings {
            store: self.file_store()?,
            rules: FileRules::default().max_size(self.max_file_size),
            scanner,
            limits: FileLimits {
                trial: FileQuota { bytes: self.trial_file_quota, files: self.trial_file_count },
                contract: FileQuota { bytes: self.file_quota, files: self.file_count },
                retention: chrono::Duration::days(self.file_retention_days.into()),
            },
        })
    }

    /// Where files lie, for people and logs.
    #[must_use]
    pub fn shown_files(&self) -> String {
        match (&self.s3_bucket, &self.s3_endpoint) {
            (Some(bucket), endpoint) => {
                format!("bucket {bucket} at {}", endpoint.as_deref().unwrap_or("Amazon's S3"))
            }
            (None, _) => self.files_folder().display().to_string(),
        }
    }

    fn files_folder(&self) -> std::path::PathBuf {
        self.files_dir.clone().unwrap_or_else(|| self.data_dir.join("files"))
    }

    fn file_store(&self) -> Result<Arc<dyn FileStore>> {
        let Some(bucket) = &self.s3_bucket else {
            let others = [&self.s3_endpoint, &self.s3_access_key_id, &self.s3_secret_access_key];
            if others.into_iter().any(Option::is_some) {
                let message = "must be given when other settings of an S3 are";
                return Err(Error::invalid("s3_bucket", "required", message));
            }
            return Ok(Arc::new(LocalFiles::open(self.files_folder())?));
        };
        self.s3(bucket)
    }

    #[cfg(feature = "s3")]
    fn s3(&self, bucket: &str) -> Result<Arc<dyn FileStore>> {
        let given = |setting: &Option<String>, name: &str| {
            setting
                .clone()
                .ok_or_else(|| Error::invalid(name, "required", "must be given with s3_bucket"))
        };
        let mut options = vivero_store::S3Options::new(
            bucket,
            given(&self.s3_access_key_id, "s3_access_key_id")?,
            given(&self.s3_secret_access_key, "s3_secret_access_key")?,
        );
        options.region.clone_from(&self.s3_region);
        options.endpoint.clone_from(&self.s3_endpoint);
        options.public_endpoint.clone_from(&self.s3_public_endpoint);
        options.path_style = self.s3_path_style;
        let prefix = self.s3_prefix.as_deref().unwrap_or_default();
        prefix.trim_matches('/').clone_into(&mut options.folder);
        Ok(Arc::new(vivero_store::S3Files::new(options)?))
    }

    #[cfg(not(feature = "s3"))]
    fn s3(&self, _: &str) -> Result<Arc<dyn FileStore>> {
        let message = "this program was built without S3: build it with --features s3";
        Err(Error::invalid("s3_bucket", "feature", message))
    }
}

/// `HOST:PORT` or the path of a socket; with `tcp:` or `unix:` in front as well.
fn clamd(address: &str) -> Result<Clamd> {
    if address.starts_with("tcp:") || address.starts_with("unix:") {
        return address.parse();
    }
    let scheme = if address.starts_with('/') { "unix" } else { "tcp" };
    format!("{scheme}:{address}").parse().map_err(|_| {
        Error::invalid(
            "clamd",
            "clamd",
            "must be HOST:PORT or the path of a socket, e.g. /run/clamav/clamd.ctl",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(config: &Config) -> String {
        match config.files() {
            Err(Error::Invalid(rules)) => format!("{} {}", rules[0].field, rules[0].rule),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn settings_that_cannot_be_are_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let sound = Config { data_dir: folder.path().into(), ..Config::default() };
        sound.files().expect("the defaults are in order");
        assert!(folder.path().join("files").is_dir());
        let secret = Some("do not show me".to_owned());
        for size in [0, 6 << 30] {
            let config = Config { max_file_size: size, ..sound.clone() };
            assert_eq!(broken(&config), "max_file_size range");
        }
        let config = Config { clamd: Some("nowhere".into()), ..sound.clone() };
        assert_eq!(broken(&config), "clamd clamd");
        let lost = Config { s3_secret_access_key: secret, ..sound.clone() };
        assert_eq!(broken(&lost), "s3_bucket required");
        assert!(!format!("{lost:?}").contains("do not show me"));
        for address in ["127.0.0.1:3310", "tcp:localhost:3310", "/run/clamd.ctl", "unix:/run/x"] {
            let config = Config { clamd: Some(address.into()), ..sound.clone() };
            assert!(config.files().expect(address).scanner.is_some());
        }
    }

    #[cfg(feature = "s3")]
    #[test]
    fn an_s3_needs_its_keys_which_are_never_shown() {
        let mut config = Config { s3_bucket: Some("plants".into()), ..Config::default() };
        assert_eq!(broken(&config), "s3_access_key_id required");
        config.s3_access_key_id = Some("key".into());
        assert_eq!(broken(&config), "s3_secret_access_key required");
        config.s3_secret_access_key = Some("do-not-show-me".into());
        config.s3_endpoint = Some("http://127.0.0.1:9000".into());
        let files = config.files().expect("an S3");
        let shown = format!("{files:?} {config:?} {}", config.shown_files());
        assert!(!shown.contains("do-not-show-me"), "{shown}");
    }

    #[cfg(not(feature = "s3"))]
    #[test]
    fn an_s3_without_the_feature_names_it() {
        let config = Config { s3_bucket: Some("plants".into()), ..Config::default() };
        assert_eq!(broken(&config), "s3_bucket feature");
    }
}
