//! `s3s-fs`, made as sound as a true S3 is.
//!
//! It writes an object and its metadata one after the other and copies in place: here writes come one at
//! a time, nobody looks meanwhile, and content that someone is reading is never touched. It fails on
//! ranges of empty objects and on more last bytes than there are (version 0.14). And it does not list
//! incomplete uploads.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use s3s_fs::FileSystem;
use std::path::{Path, PathBuf};
use tokio::sync::RwLock;

/// `s3s-fs` over a folder, made sound.
#[derive(Debug)]
pub struct Store {
    inner: FileSystem,
    root: PathBuf,
    writing: RwLock<()>,
}

impl Store {
    /// Over a folder, which holds a folder for each bucket.
    ///
    /// Panics if there is no such folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let root = root.canonicalize().expect("a path");
        let inner = FileSystem::new(&root).expect("a file system");
        Self { inner, root, writing: RwLock::default() }
    }
    fn path(&self, bucket: &str, key: &str) -> PathBuf {
        self.root.join(bucket).join(key)
    }
}

macro_rules! passed_on {
    ($($lock:ident: $($method:ident($input:ident) -> $output:ident)*;)*) => {
        #[async_trait::async_trait]
        impl S3 for Store {
            $($(
                async fn $method(&self, req: S3Request<$input>) -> S3Result<S3Response<$output>> {
                    let _alone = self.writing.$lock().await;
                    self.inner.$method(req).await
                }
            )*)*

            async fn get_object(
                &self,
                mut req: S3Request<GetObjectInput>,
            ) -> S3Result<S3Response<GetObjectOutput>> {
                let _not_halfway = self.writing.read().await;
                let object = std::fs::metadata(self.path(&req.input.bucket, &req.input.key));
                if let (Ok(object), Some(range)) = (object, &mut req.input.range) {
                    if object.len() == 0 {
                        return Err(s3_error!(InvalidRange));
                    }
                    if let Range::Suffix { length } = range {
                        *length = object.len().min(*length);
                    }
                }
                self.inner.get_object(req).await
            }

            async fn copy_object(
                &self,
                req: S3Request<CopyObjectInput>,
            ) -> S3Result<S3Response<CopyObjectOutput>> {
                let _alone = self.writing.write().await;
                if let CopySource::Bucket { bucket, key, .. } = &req.input.copy_source {
                    let (from, to) =
                        (self.path(bucket, key), self.path(&req.input.bucket, &req.input.key));
                    if from != to && from.exists() {
                        // Who reads it goes on reading it.
                        let _ = std::fs::remove_file(to);
                    }
                }
                self.inner.copy_object(req).await
            }

            async fn list_multipart_uploads(
                &self,
                req: S3Request<ListMultipartUploadsInput>,
            ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
                let _not_halfway = self.writing.read().await;
                let prefix = req.input.prefix.unwrap_or_default();
                let mut uploads = self.uploads();
                uploads.retain(|u| u.key.as_ref().is_some_and(|key| key.starts_with(&prefix)));
                let is_truncated = Some(false);
                let uploads = Some(uploads);
                Ok(S3Response::new(ListMultipartUploadsOutput {
                    uploads, is_truncated, ..Default::default()
                }))
            }
        }
    };
}

passed_on! {
    read:
        head_bucket(HeadBucketInput) -> HeadBucketOutput
        head_object(HeadObjectInput) -> HeadObjectOutput
        list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    write:
        put_object(PutObjectInput) -> PutObjectOutput
        delete_object(DeleteObjectInput) -> DeleteObjectOutput
        create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput
        upload_part(UploadPartInput) -> UploadPartOutput
        complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput
        abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
}

impl Store {
    /// What `s3s-fs` keeps of an incomplete upload tells its object and its id.
    fn uploads(&self) -> Vec<MultipartUpload> {
        let mut uploads = Vec::new();
        for entry in std::fs::read_dir(&self.root).expect("the folder") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(name) = name.strip_suffix(".metadata.json") else { continue };
            let Some((name, id)) = name.split_once(".upload-") else { continue };
            let object = name.split_once(".object-").expect("an object").1;
            let object = URL_SAFE_NO_PAD.decode(object).expect("base64");
            let modified = entry.metadata().and_then(|m| m.modified()).expect("a time");
            uploads.push(MultipartUpload {
                key: Some(String::from_utf8(object).expect("UTF-8")),
                upload_id: Some(id.into()),
                initiated: Some(modified.into()),
                ..Default::default()
            });
        }
        uploads
    }
}
