//! Any S3 as a store of files.
//!
//! ```text
//! <bucket>/<folder>/<tenant>/<area>/<ids of key>   one file, its SHA-256 among its metadata
//! <bucket>/<folder>/incoming/<random>              a large file being put together
//! ```
//!
//! An object's metadata is given before its content, but the checksum of a file is known only after
//! it. Up to one part the content waits in memory for that; a larger file is put together under another
//! name and copied to its own, with its checksum, by the server.
//!
//! Nothing here rests on conditional requests: not every S3 heeds them.

mod client;
mod fail;
mod options;
mod parts;
mod read;
mod sweep;

pub use options::S3Options;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::MetadataDirective;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use fail::failed;
use parts::{Multipart, Parts};
use std::fmt;
use std::time::Duration;
use vivero_core::files::{
    Area, ByteRange, Checksum, Download, FileInfo, FileKey, FileList, FilePrefix, FileStore,
    LinkOptions, MAX_LINK_LIFE, ObjectName, Upload, attachment,
};
use vivero_core::{Error, Result, TenantId};

/// Bytes of one part of a multipart upload; files up to this size are put in one request.
const PART: usize = 8 * 1024 * 1024;

/// The name of the metadata entry with a file's checksum.
const SHA256: &str = "sha256";

/// What objects say they are, should anyone ever be shown one without passing through vivero.
const UNTYPED: &str = "application/octet-stream";

/// Files in one bucket of an S3: Amazon's, or any that speaks its protocol.
///
/// A small file waits in memory to be put, of a large one three parts at most, 24 MiB.
///
/// Set the bucket to abort incomplete multipart uploads after some days, where the server can:
/// [`FileStore::sweep`] does the same where it can list them.
#[derive(Clone)]
pub struct S3Files {
    client: Client,
    /// Makes links under the address that is known outside.
    linker: Client,
    bucket: String,
    /// Empty, or ending in a slash.
    folder: String,
    patience: Duration,
    long: TimeoutConfig,
}

impl fmt::Debug for S3Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S3Files({}/{})", self.bucket, self.folder)
    }
}

impl S3Files {
    /// Files as the options say. Nothing is asked of the server yet: see [`FileStore::ping`].
    ///
    /// Errors: [`Error::Invalid`] naming every option that cannot be.
    pub fn new(options: S3Options) -> Result<Self> {
        options.check()?;
        let folder = match options.folder.as_str() {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        Ok(Self {
            client: client::new(&options, options.endpoint.as_deref()),
            linker: client::new(
                &options,
                options.public_endpoint.as_deref().or(options.endpoint.as_deref()),
            ),
            long: client::long(&options),
            bucket: options.bucket,
            folder,
            patience: options.patience,
        })
    }

    /// The settings for what takes the server time.
    fn patiently(&self) -> aws_sdk_s3::config::Builder {
        aws_sdk_s3::Config::builder().timeout_config(self.long.clone())
    }

    fn object(&self, tenant: TenantId, key: FileKey) -> String {
        format!("{}{}", self.folder, ObjectName::new(tenant, key))
    }

    /// A name nobody else writes to.
    fn incoming(&self) -> String {
        format!("{}incoming/{:032x}", self.folder, rand::random::<u128>())
    }

    /// One request for a file that fits.
    async fn put_object(&self, object: &str, content: Bytes, sha256: &Checksum) -> Result<()> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(object)
            .content_type(UNTYPED)
            .content_disposition("attachment")
            .metadata(SHA256, sha256.to_string())
            .body(ByteStream::from(content))
            .send()
            .await
            .map_err(|e| failed("putting a file", e))?;
        Ok(())
    }

    /// Copies within the bucket; with a checksum, that becomes the copy's.
    async fn copy_object(&self, from: &str, to: &str, sha256: Option<&Checksum>) -> Result<()> {
        // Names are made of digits, letters and what needs no escaping.
        let source = format!("{}/{from}", self.bucket);
        let mut copy = self.client.copy_object().bucket(&self.bucket).key(to).copy_source(source);
        if let Some(sha256) = sha256 {
            copy = copy
                .metadata_directive(MetadataDirective::Replace)
                .content_type(UNTYPED)
                .content_disposition("attachment")
                .metadata(SHA256, sha256.to_string());
        }
        let copy = copy.customize().config_override(self.patiently());
        copy.send().await.map_err(|e| failed("copying a file", e))?;
        Ok(())
    }

    async fn delete_object(&self, object: &str) -> Result<()> {
        let delete = self.client.delete_object().bucket(&self.bucket).key(object);
        match delete.send().await.map_err(|e| failed("deleting a file", e)) {
            // Some say so, some do not.
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(e),
        }
    }

    /// A file of more than one part.
    async fn put_parts(
        &self,
        object: &str,
        first: [Bytes; 2],
        mut parts: Parts,
    ) -> Result<(u64, Checksum)> {
        let incoming = self.incoming();
        let mut multipart = Multipart::begin(self, &incoming).await?;
        let put = async {
            for part in first {
                multipart.put(part).await?;
            }
            while let Some(part) = parts.next().await? {
                multipart.put(part).await?;
            }
            let (size, sha256) = parts.finish()?;
            multipart.complete(size).await?;
            Ok((size, sha256))
        };
        let (size, sha256) = match put.await {
            Ok(whole) => whole,
            Err(e) => {
                multipart.abort().await;
                return Err(e);
            }
        };
        let named = self.copy_object(&incoming, object, Some(&sha256)).await;
        if let Err(e) = self.delete_object(&incoming).await {
            tracing::warn!(error = %e, "a file that was put together stays behind");
        }
        named.map(|()| (size, sha256))
    }
}

#[async_trait]
impl FileStore for S3Files {
    async fn put(&self, tenant: TenantId, key: FileKey, upload: Upload) -> Result<FileInfo> {
        let object = self.object(tenant, key);
        let mut parts = Parts::of(upload.open()?);
        let first = parts.next().await?.unwrap_or_default();
        let (size, sha256) = match parts.next().await? {
            Some(second) => self.put_parts(&object, [first, second], parts).await?,
            None => {
                let (size, sha256) = parts.finish()?;
                self.put_object(&object, first, &sha256).await?;
                (size, sha256)
            }
        };
        Ok(FileInfo { key, size, sha256 })
    }

    async fn get(
        &self,
        tenant: TenantId,
        key: FileKey,
        range: Option<ByteRange>,
    ) -> Result<Download> {
        self.read(&self.object(tenant, key), key, range).await
    }

    async fn head(&self, tenant: TenantId, key: FileKey) -> Result<Option<FileInfo>> {
        self.look(&self.object(tenant, key), key).await
    }

    async fn delete(&self, tenant: TenantId, key: FileKey) -> Result<()> {
        self.delete_object(&self.object(tenant, key)).await
    }

    async fn copy(&self, tenant: TenantId, from: FileKey, to: FileKey) -> Result<FileInfo> {
        if from != to {
            self.copy_object(&self.object(tenant, from), &self.object(tenant, to), None).await?;
        }
        let copied = self.head(tenant, to).await?;
        copied.ok_or_else(vivero_core::files::no_such_file)
    }

    async fn rename(&self, tenant: TenantId, from: FileKey, to: FileKey) -> Result<FileInfo> {
        let info = self.copy(tenant, from, to).await?;
        if from != to {
            self.delete(tenant, from).await?;
        }
        Ok(info)
    }

    async fn list(
        &self,
        tenant: TenantId,
        prefix: &FilePrefix,
        after: Option<FileKey>,
        limit: u32,
    ) -> Result<FileList> {
        self.page(tenant, prefix, after, limit).await
    }

    async fn link(
        &self,
        tenant: TenantId,
        key: FileKey,
        options: &LinkOptions,
    ) -> Result<Option<String>> {
        if key.area() != Area::Stored {
            let message = "has no link before it is checked";
            return Err(Error::Illegal { code: "file_not_checked", message: message.into() });
        }
        let life = Duration::from_secs(options.valid_for.as_secs());
        if life.is_zero() || options.valid_for > MAX_LINK_LIFE {
            let message = format!("must be 1 to {} seconds", MAX_LINK_LIFE.as_secs());
            return Err(Error::invalid("valid_for", "valid_for", message));
        }
        let signing = PresigningConfig::expires_in(life)
            .map_err(|e| Error::internal("making a link to a file", e))?;
        let request = self
            .linker
            .get_object()
            .bucket(&self.bucket)
            .key(self.object(tenant, key))
            .response_content_type(&options.media_type)
            .response_content_disposition(attachment(&options.file_name))
            .presigned(signing)
            .await
            .map_err(|e| failed("making a link to a file", e))?;
        Ok(Some(request.uri().to_owned()))
    }

    async fn sweep(&self, before: DateTime<Utc>) -> Result<u64> {
        self.sweep_incoming(before).await
    }

    async fn ping(&self) -> Result<()> {
        let bucket = self.client.head_bucket().bucket(&self.bucket).send().await;
        bucket.map_err(|e| match failed("looking at the bucket", e) {
            Error::NotFound { .. } => {
                let context = format!("the bucket {} is not there: make it first", self.bucket);
                Error::Internal { context: context.into(), source: None }
            }
            other => other,
        })?;
        let (object, empty) = (self.incoming(), Upload::of("").open()?);
        let mut parts = Parts::of(empty);
        let content = parts.next().await?.unwrap_or_default();
        self.put_object(&object, content, &parts.finish()?.1).await?;
        self.delete_object(&object).await
    }
}
