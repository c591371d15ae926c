//! What every part that keeps files of its own shares.

use std::io;
use std::path::Path;
use vivero_core::{Error, Result};

/// A failed file operation: a disk that is full or read-only may be mended, the rest is ours.
pub(crate) fn io_error(what: &'static str, error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::ReadOnlyFilesystem => Error::Unavailable {
            what: "storage".into(),
            retry_after: 30,
            source: Some(Box::new(error)),
        },
        _ => Error::internal(what, error),
    }
}

/// Makes a new name in a folder survive power loss.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    std::fs::File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| io_error("syncing a folder", e))
}

/// Closes a folder to every account but the service's own.
pub(crate) fn make_private(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let own = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(folder, own)
            .map_err(|e| io_error("closing the data folder to others", e))?;
    }
    Ok(())
}
