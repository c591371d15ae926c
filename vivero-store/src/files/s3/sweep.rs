//! Removing what cut-off writes left behind.

use super::S3Files;
use super::fail::failed;
use super::read::time;
use aws_sdk_s3::error::ProvideErrorMetadata as _;
use chrono::{DateTime, Utc};
use vivero_core::{Error, Result};

impl S3Files {
    pub(super) async fn sweep_incoming(&self, before: DateTime<Utc>) -> Result<u64> {
        let prefix = format!("{}incoming/", self.folder);
        Ok(self.sweep_objects(&prefix, before).await? + self.sweep_uploads(&prefix, before).await?)
    }

    /// Large files that were put together and not copied to their names.
    async fn sweep_objects(&self, prefix: &str, before: DateTime<Utc>) -> Result<u64> {
        let (mut removed, mut token) = (0, None);
        loop {
            let request = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix);
            let page = request.set_continuation_token(token).send().await;
            let page = page.map_err(|e| failed("listing what was cut off", e))?;
            for object in page.contents.unwrap_or_default() {
                let old = object.last_modified.is_some_and(|at| time(at) < before);
                if let (true, Some(key)) = (old, &object.key) {
                    self.delete_object(key).await?;
                    removed += 1;
                }
            }
            token = page.next_continuation_token;
            if token.is_none() {
                return Ok(removed);
            }
        }
    }

    /// Large files that were not put together.
    async fn sweep_uploads(&self, prefix: &str, before: DateTime<Utc>) -> Result<u64> {
        let mut request = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(prefix);
        let mut removed = 0;
        loop {
            let page = match request.clone().send().await {
                Ok(page) => page,
                // Then its own rules have to: see `S3Files`.
                Err(e) if e.code() == Some("NotImplemented") => {
                    tracing::debug!("the file storage does not list incomplete uploads");
                    return Ok(removed);
                }
                Err(e) => return Err(failed("listing incomplete uploads", e)),
            };
            for upload in page.uploads.unwrap_or_default() {
                let old = upload.initiated.is_some_and(|at| time(at) < before);
                if let (true, Some(object), Some(id)) = (old, upload.key, upload.upload_id) {
                    self.abort_upload(&object, &id).await?;
                    removed += 1;
                }
            }
            match page.next_key_marker.filter(|_| page.is_truncated == Some(true)) {
                Some(key) => {
                    request =
                        request.key_marker(key).set_upload_id_marker(page.next_upload_id_marker);
                }
                None => return Ok(removed),
            }
        }
    }

    /// Aborts an upload; one that is over is no error.
    pub(super) async fn abort_upload(&self, object: &str, id: &str) -> Result<()> {
        let abort = self.client.abort_multipart_upload().bucket(&self.bucket).key(object);
        match abort.upload_id(id).send().await.map_err(|e| failed("aborting an upload", e)) {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e @ Error::Unavailable { .. }) => Err(e),
            // Some say that it may not be done where another has just done it.
            Err(e) => match self.has_upload(object, id).await {
                Ok(false) => Ok(()),
                Ok(true) | Err(_) => Err(e),
            },
        }
    }

    async fn has_upload(&self, object: &str, id: &str) -> Result<bool> {
        let list = self.client.list_multipart_uploads().bucket(&self.bucket).prefix(object);
        let listed = list.send().await.map_err(|e| failed("listing incomplete uploads", e))?;
        Ok(listed.uploads().iter().any(|upload| upload.upload_id() == Some(id)))
    }
}
