//! The 48 bytes behind a file's content: 8 of mark, 8 of size (little-endian), 32 of SHA-256.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use vivero_core::files::Checksum;

/// Bytes of the trailer.
pub(super) const BYTES: u64 = 48;
const MARK: [u8; 8] = *b"vivero1\n";

pub(super) fn write(size: u64, sha256: &Checksum) -> [u8; 48] {
    let mut trailer = [0; 48];
    trailer[..8].copy_from_slice(&MARK);
    trailer[8..16].copy_from_slice(&size.to_le_bytes());
    trailer[16..].copy_from_slice(sha256.as_bytes());
    trailer
}

/// Reads the trailer of a file; `None` if it has none that fits the file.
pub(super) fn read(file: &mut File) -> io::Result<Option<(u64, Checksum)>> {
    let Some(size) = file.metadata()?.len().checked_sub(BYTES) else {
        return Ok(None);
    };
    let mut trailer = [0; 48];
    file.seek(SeekFrom::Start(size))?;
    file.read_exact(&mut trailer)?;
    let (mut said, mut sha256) = ([0; 8], [0; 32]);
    said.copy_from_slice(&trailer[8..16]);
    sha256.copy_from_slice(&trailer[16..]);
    let fits = trailer[..8] == MARK && u64::from_le_bytes(said) == size;
    Ok(fits.then(|| (size, Checksum::from_bytes(sha256))))
}
