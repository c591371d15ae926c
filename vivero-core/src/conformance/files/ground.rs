//! What the cases stand on: a store, a tenant, and content that depends on a name alone.

use super::Harness;
use crate::conformance::ground::Source;
use crate::error::ErrorKind;
use crate::files::{
    Area, ByteRange, FileEntry, FileInfo, FileKey, FilePrefix, FileStore, FileStream, Upload,
};
use crate::{Error, FileId, Result, TenantId};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Beyond what any store sends in one piece.
pub(super) const LARGE: usize = 20 * 1024 * 1024 + 12_345;

/// No maximum to speak of.
pub(super) const ROOMY: u64 = 1 << 30;

#[derive(Debug)]
pub(super) struct Ground {
    pub(super) store: Arc<dyn FileStore>,
    pub(super) tenant: TenantId,
    pub(super) source: Source,
}

impl Ground {
    pub(super) async fn new(harness: &dyn Harness, name: &str) -> Self {
        let source = Source::new(name);
        let tenant = TenantId::from_uuid(source.id());
        Self { store: harness.store().await, tenant, source }
    }

    /// Another tenant of the same store.
    pub(super) fn neighbour(&self, name: &str) -> Self {
        let source = Source::new(name);
        let tenant = TenantId::from_uuid(source.id());
        Self { store: Arc::clone(&self.store), tenant, source }
    }

    pub(super) fn key(&self) -> FileKey {
        FileKey::stored(FileId::from_uuid(self.source.id()))
    }

    pub(super) fn content(&self, size: usize) -> Bytes {
        let mut bytes = vec![0; size];
        self.source.fill(&mut bytes);
        bytes.into()
    }

    /// The content in chunks of chance, some of them empty.
    pub(super) fn chunks(&self, content: &Bytes) -> Vec<Bytes> {
        let mut rest = content.clone();
        let mut chunks = vec![Bytes::new()];
        while !rest.is_empty() {
            let most = *self.source.pick(&[2, 1_000, 70_000, 3_000_000]);
            chunks.push(rest.split_to(self.source.dice(most).min(rest.len())));
        }
        chunks
    }

    /// An upload in chunks, its size untold.
    pub(super) fn upload(&self, content: &Bytes) -> Upload {
        let chunks = self.chunks(content).into_iter().map(Ok);
        Upload::new(stream::iter(chunks), ROOMY)
    }

    pub(super) async fn put(&self, key: FileKey, content: &Bytes) -> FileInfo {
        let put = self.store.put(self.tenant, key, self.upload(content)).await;
        put.expect("putting a file")
    }

    /// A new file of that size, with its content.
    pub(super) async fn file(&self, size: usize) -> (FileKey, Bytes) {
        let (key, content) = (self.key(), self.content(size));
        self.put(key, &content).await;
        (key, content)
    }

    /// The content of a file; `None` if there is none.
    pub(super) async fn read(&self, key: FileKey) -> Option<Bytes> {
        match self.store.get(self.tenant, key, None).await {
            Ok(download) => Some(download.into_bytes().await.expect("reading a file")),
            Err(e) => {
                assert_eq!(e.kind(), ErrorKind::NotFound, "{e:?}");
                None
            }
        }
    }

    pub(super) async fn range(&self, key: FileKey, range: ByteRange) -> Result<Bytes> {
        self.store.get(self.tenant, key, Some(range)).await?.into_bytes().await
    }

    pub(super) async fn head(&self, key: FileKey) -> Option<FileInfo> {
        self.store.head(self.tenant, key).await.expect("looking at a file")
    }

    /// Every file that begins with `prefix`, in pages of `limit`.
    pub(super) async fn list(&self, prefix: &FilePrefix, limit: u32) -> Vec<FileEntry> {
        let (mut files, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.list(self.tenant, prefix, after, limit).await;
            let page = page.expect("listing files");
            assert!(page.files.len() <= limit as usize, "at most {limit} a page");
            assert!(
                page.next.is_none() || !page.files.is_empty(),
                "a page before others has files"
            );
            files.extend(page.files);
            match page.next {
                Some(next) => after = Some(next),
                None => return files,
            }
        }
    }

    pub(super) async fn keys(&self) -> Vec<FileKey> {
        self.list(&FilePrefix::all(), 100).await.iter().map(|file| file.key).collect()
    }

    /// Asserts that there is exactly that content under the key, by every way of looking.
    pub(super) async fn assert_is(&self, key: FileKey, content: &Bytes, when: &str) {
        let read = self.read(key).await;
        assert!(read.as_ref() == Some(content), "{when}: the content is what was put");
        let head = self.head(key).await.unwrap_or_else(|| panic!("{when}: the file is there"));
        assert_eq!(head.key, key, "{when}");
        assert_eq!(head.size, content.len() as u64, "{when}: the size is that of the content");
        let listed = self.list(&FilePrefix::from_key(key), 100).await;
        let listed = listed.iter().find(|file| file.key == key);
        assert_eq!(listed.map(|f| f.size), Some(head.size), "{when}: the file is listed");
    }

    pub(super) async fn assert_gone(&self, key: FileKey, when: &str) {
        assert_eq!(self.head(key).await, None, "{when}: there is no file");
        assert!(self.read(key).await.is_none(), "{when}: there is no content");
        assert!(!self.keys().await.contains(&key), "{when}: nothing is listed");
    }

    /// Asserts that cut-off writes have left nothing behind.
    pub(super) async fn assert_swept(&self, when: &str) {
        assert_eq!(self.sweep().await, 0, "{when}: nothing is left of what was cut off");
    }
    pub(super) async fn sweep(&self) -> u64 {
        self.store.sweep(DateTime::<Utc>::MAX_UTC).await.expect("sweeping")
    }
}

/// A stream that gives these chunks and then nothing, without ending.
pub(super) fn stalling(chunks: Vec<Bytes>) -> FileStream {
    stream::iter(chunks.into_iter().map(Ok)).chain(stream::pending()).boxed()
}

/// A stream without end behind a beginning, which counts what is taken and puts up with only so much.
pub(super) fn endless(first: Bytes, chunk: usize, max: u64) -> (FileStream, Arc<AtomicU64>) {
    let taken = Arc::new(AtomicU64::new(first.len() as u64));
    let counter = Arc::clone(&taken);
    let rest = stream::repeat_with(move || {
        let taken = counter.fetch_add(chunk as u64, Ordering::SeqCst);
        assert!(taken <= max.saturating_add(10 << 20), "it is read on and on beyond {max} bytes");
        Ok(Bytes::from(vec![0x87; chunk]))
    });
    (stream::iter([Ok(first)]).chain(rest).boxed(), taken)
}

/// The rule that was broken.
#[track_caller]
pub(super) fn rule(error: &Error) -> &str {
    match error {
        Error::Invalid(rules) => rules.first().map_or("", |r| r.rule.as_str()),
        other => panic!("a broken rule was expected, not {other:?}"),
    }
}

#[track_caller]
pub(super) fn assert_not_found<T: std::fmt::Debug>(result: Result<T>, what: &str) {
    let error = result.expect_err(what);
    assert_eq!(error.kind(), ErrorKind::NotFound, "{what}: {error:?}");
    assert_eq!(error.code(), "file_not_found", "{what}");
}

pub(super) fn quarantined(key: FileKey) -> FileKey {
    key.in_area(Area::Quarantine)
}
