//! Where an archive is: a file, or the installation's store of files, whatever that is.
//!
//! In a store, archives lie apart from all files of tenants, under an id that no tenant can have: nobody but
//! operators reaches them. They come and go in pieces; none is ever in memory or on a local disk as a whole.

use super::refused;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use uuid::Uuid;
use vivero_core::files::{
    Area, FileInfo, FileKey, FilePrefix, FileStore, MAX_FILE_BYTES, MAX_LIST, Upload,
};
use vivero_core::ids::TenantId;
use vivero_core::operations::StoredArchive;
use vivero_core::{Error, Result};

/// Whose files archives are in a store: an id of a version that tenants' ids do not have.
pub(crate) const NOBODY: TenantId =
    TenantId::from_uuid(Uuid::from_u128(0x7669_7665_726f_8000_8000_6172_6368_6976));
/// What names of archives in a store begin with.
const STORED: &str = "store:";
/// Bytes sent at once, and pieces that may wait.
const PIECE: usize = 1024 * 1024;
const WAITING: usize = 4;

/// Where an archive is.
#[derive(Debug, Clone)]
pub enum ArchivePlace {
    /// In a file.
    File(PathBuf),
    /// In a store of files.
    Stored {
        /// The store.
        store: Arc<dyn FileStore>,
        /// Whose archive it is.
        tenant: TenantId,
        /// Its id.
        archive: Uuid,
    },
}

impl From<&Path> for ArchivePlace {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}
impl From<&PathBuf> for ArchivePlace {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

/// Whose archive a name in a store stands for, and which; `None` for a name that is none.
pub(crate) fn parse_stored(name: &str) -> Option<(TenantId, Uuid)> {
    let key: FileKey = format!("stored/{}", name.strip_prefix(STORED)?).parse().ok()?;
    match key.ids() {
        [tenant, archive] => Some((TenantId::from_uuid(*tenant), *archive)),
        _ => None,
    }
}

/// The name of an archive in a store.
pub(crate) fn stored_name(tenant: TenantId, archive: Uuid) -> String {
    format!("{STORED}{}-{}", tenant.uuid().simple(), archive.simple())
}

fn key(tenant: TenantId, archive: Uuid) -> Result<FileKey> {
    FileKey::new(Area::Stored, &[tenant.uuid(), archive])
}

impl ArchivePlace {
    /// An archive in a store by its name, `store:TENANT-ARCHIVE`; `None` if the name is of another form.
    #[must_use]
    pub fn stored(name: &str, store: Arc<dyn FileStore>) -> Option<Self> {
        let (tenant, archive) = parse_stored(name)?;
        Some(Self::Stored { store, tenant, archive })
    }

    /// What it is called: a path, or `store:` and two ids.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Stored { tenant, archive, .. } => stored_name(*tenant, *archive),
        }
    }

    /// Begins to read it.
    pub(super) async fn source(&self) -> Result<Source> {
        let (store, tenant, archive) = match self {
            Self::File(path) => return Ok(Source::File(path.clone())),
            Self::Stored { store, tenant, archive } => (store, *tenant, *archive),
        };
        let found = store.get(NOBODY, key(tenant, archive)?, None).await.map_err(|e| match e {
            Error::NotFound { .. } => {
                refused(Path::new(&self.name()), "there", "is not in the store of files")
            }
            other => other,
        })?;
        let mut stream = found.into_stream();
        let (sender, pieces) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(piece) = stream.next().await {
                if sender.send(piece).await.is_err() {
                    return;
                }
            }
        });
        Ok(Source::Stored(Receiving { pieces, rest: Bytes::new() }))
    }

    /// Whether it is there.
    pub(crate) async fn is_there(&self) -> Result<bool> {
        match self {
            Self::File(path) => Ok(path.exists()),
            Self::Stored { store, tenant, archive } => {
                Ok(store.head(NOBODY, key(*tenant, *archive)?).await?.is_some())
            }
        }
    }

    /// Removes it. One that is not there is no error.
    pub(crate) async fn remove(&self) -> Result<()> {
        match self {
            Self::File(path) => match std::fs::remove_file(path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    Err(crate::disk::io_error("removing an archive", e))
                }
                _ => Ok(()),
            },
            Self::Stored { store, tenant, archive } => {
                store.delete(NOBODY, key(*tenant, *archive)?).await
            }
        }
    }
}

/// The archives of a tenant in a store, newest first.
pub(crate) async fn list(store: &dyn FileStore, tenant: TenantId) -> Result<Vec<StoredArchive>> {
    let prefix = FilePrefix::from_key(FileKey::new(Area::Stored, &[tenant.uuid()])?);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(NOBODY, &prefix, after, MAX_LIST).await?;
        for file in page.files {
            if let [tenant, archive] = *file.key.ids() {
                let tenant = TenantId::from_uuid(tenant);
                found.push(StoredArchive {
                    name: stored_name(tenant, archive),
                    tenant,
                    id: archive,
                    bytes: file.size,
                    written_at: file.modified,
                });
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    found.sort_by_key(|archive| std::cmp::Reverse((archive.written_at, archive.id)));
    Ok(found)
}

/// Bytes of an archive, to be read on a thread of their own.
pub(super) enum Source {
    File(PathBuf),
    Stored(Receiving),
}

impl Source {
    pub(super) fn open(self, name: &Path) -> Result<Box<dyn Read + Send>> {
        Ok(match self {
            Self::File(path) => {
                Box::new(File::open(path).map_err(|e| refused(name, "readable", e))?)
            }
            Self::Stored(receiving) => Box::new(receiving),
        })
    }
}

/// What comes out of a store.
pub(super) struct Receiving {
    pieces: mpsc::Receiver<Result<Bytes>>,
    rest: Bytes,
}

impl Read for Receiving {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Ok(piece)) => self.rest = piece,
                Some(Err(error)) => return Err(io::Error::other(error)),
                None => return Ok(0),
            }
        }
        let some = to.len().min(self.rest.len());
        to[..some].copy_from_slice(&self.rest.split_to(some));
        Ok(some)
    }
}

/// What goes into a store. Dropped without [`Sending::end`], nothing is kept.
pub(super) struct Sending {
    pieces: mpsc::Sender<Result<Bytes>>,
    next: Vec<u8>,
    ended: Arc<AtomicBool>,
}

impl Sending {
    /// Begins to store an archive.
    pub(super) fn begin(
        store: Arc<dyn FileStore>,
        tenant: TenantId,
        archive: Uuid,
    ) -> Result<(Self, JoinHandle<Result<FileInfo>>)> {
        let key = key(tenant, archive)?;
        let (pieces, receiver) = mpsc::channel::<Result<Bytes>>(WAITING);
        let ended = Arc::new(AtomicBool::new(false));
        let stream = pieces_of(receiver, Arc::clone(&ended));
        let upload = Upload::new(stream, MAX_FILE_BYTES);
        let put = tokio::spawn(async move {
            store.put(NOBODY, key, upload).await.map_err(|e| match e {
                Error::Invalid(_) => Error::invalid(
                    "archive",
                    "max_size",
                    format!(
                        "is larger than {MAX_FILE_BYTES} bytes, the most one file of a store may have: give a path"
                    ),
                ),
                other => other,
            })
        });
        Ok((Self { pieces, next: Vec::with_capacity(PIECE), ended }, put))
    }

    fn send(&mut self, piece: Result<Bytes>) -> io::Result<()> {
        let gone = || io::Error::other("the store of files takes no more");
        self.pieces.blocking_send(piece).map_err(|_| gone())
    }

    /// All has been written.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.flush()?;
        self.ended.store(true, Ordering::SeqCst);
        Ok(())
    }
}

/// What is sent, and an error if that ends before its time: a store that is not told takes what it has for
/// the whole.
fn pieces_of(
    receiver: mpsc::Receiver<Result<Bytes>>,
    ended: Arc<AtomicBool>,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    futures_util::stream::unfold(Some((receiver, ended)), |state| async move {
        let (mut receiver, ended) = state?;
        match receiver.recv().await {
            Some(piece) => Some((piece, Some((receiver, ended)))),
            None if ended.load(Ordering::SeqCst) => None,
            None => Some((Err(Error::internal("writing an archive", "it was given up")), None)),
        }
    })
}

impl Write for Sending {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let some = bytes.len().min(PIECE - self.next.len());
        self.next.extend_from_slice(&bytes[..some]);
        if self.next.len() == PIECE {
            self.flush()?;
        }
        Ok(some)
    }
    fn flush(&mut self) -> io::Result<()> {
        if self.next.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.next, Vec::with_capacity(PIECE));
        self.send(Ok(piece.into()))
    }
}
