//! Which S3, and how long to wait for it.

use std::fmt;
use std::time::Duration;
use vivero_core::Result;
use vivero_core::error::Check;

/// An S3 and the way to it.
#[derive(Clone)]
pub struct S3Options {
    /// The bucket; it must be there.
    pub bucket: String,
    /// The region requests are signed for; most servers other than Amazon's take any. Default
    /// `us-east-1`.
    pub region: String,
    /// `http://HOST:PORT` or `https://HOST`; `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// The endpoint as browsers know it, for links; `None` if they know it by the same address.
    pub public_endpoint: Option<String>,
    /// Whether the bucket is part of the path (the default) or of the host.
    pub path_style: bool,
    /// A folder of the bucket that holds all files; empty for the bucket itself.
    pub folder: String,
    /// Access key.
    pub access_key: String,
    /// Secret key. Never shown.
    pub secret_key: String,
    /// How long to try to reach the server; default 3 s.
    pub connect_within: Duration,
    /// How long the server may keep silent, before an answer or within one; default 20 s.
    pub patience: Duration,
    /// How long one attempt at one request may take, of 8 MiB at most; default 60 s.
    pub attempt_within: Duration,
    /// How long the server may take to put together or copy a large file; default 5 minutes.
    pub copy_within: Duration,
    /// Attempts at one request, the first included; default 3.
    pub attempts: u32,
}

impl S3Options {
    /// Amazon's S3, or with an endpoint any other.
    #[must_use]
    pub fn new(
        bucket: impl Into<String>,
        access_key: impl Into<String>,
        secret_key: impl Into<String>,
    ) -> Self {
        Self {
            bucket: bucket.into(),
            region: "us-east-1".into(),
            endpoint: None,
            public_endpoint: None,
            path_style: true,
            folder: String::new(),
            access_key: access_key.into(),
            secret_key: secret_key.into(),
            connect_within: Duration::from_secs(3),
            patience: Duration::from_secs(20),
            attempt_within: Duration::from_secs(60),
            copy_within: Duration::from_secs(300),
            attempts: 3,
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        let mut check = Check::new();
        let bucket =
            |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-');
        if !(3..=63).contains(&self.bucket.len()) || !self.bucket.bytes().all(bucket) {
            let message = "must have 3 to 63 lower-case letters, digits, dots and hyphens";
            check.fail("s3_bucket", "s3_bucket", message);
        }
        let part = |part: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
            !part.is_empty() && part.bytes().all(plain)
        };
        if !self.folder.is_empty() && !self.folder.split('/').all(part) || self.folder.len() > 500 {
            let message = "must be names of ASCII letters, digits, - and _ with / between them";
            check.fail("s3_folder", "s3_folder", message);
        }
        for (field, endpoint) in
            [("s3_endpoint", &self.endpoint), ("s3_public_endpoint", &self.public_endpoint)]
        {
            let host = endpoint.as_deref().map_or(Some("default"), |endpoint| {
                endpoint.strip_prefix("http://").or_else(|| endpoint.strip_prefix("https://"))
            });
            let sound = |host: &str| {
                !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && b != b'@')
            };
            if !host.is_some_and(sound) {
                check.fail(field, field, "must be http://HOST:PORT or https://HOST");
            }
        }
        for (field, text) in [
            ("s3_region", &self.region),
            ("s3_access_key", &self.access_key),
            ("s3_secret_key", &self.secret_key),
        ] {
            if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                check.fail(field, field, "must be given, in ASCII without spaces");
            }
        }
        if self.attempts == 0 {
            check.fail("s3_attempts", "minimum", "must be at least 1");
        }
        check.done()
    }
}

impl fmt::Debug for S3Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, region, endpoint, folder, access_key, .. } = self;
        f.debug_struct("S3Options")
            .field("bucket", bucket)
            .field("region", region)
            .field("endpoint", endpoint)
            .field("folder", folder)
            .field("access_key", access_key)
            .finish_non_exhaustive()
    }
}
