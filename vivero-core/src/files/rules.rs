//! Which files a tenant may have: pure rules over name, size, first bytes and what is used.

use super::kind::{FileKind, Sample, kinds};
use super::name::{check_name, extension};
use super::upload::MAX_FILE_BYTES;
use crate::error::{Check, Error, Result};

/// How many of a file's first bytes are looked at, 64 KiB.
pub const HEAD_BYTES: usize = 64 * 1024;

/// What may be uploaded.
///
/// ```
/// use vivero_core::files::{FileRules, Sample, kinds};
///
/// let rules = FileRules::default().kinds(&[&kinds::PNG, &kinds::CSV]).max_size(1 << 20);
/// let kind = rules.announced("beds.csv", Some(9), 0)?;
/// rules.content(kind, Sample { head: b"bed;plant", size: Some(9) })?;
/// assert!(rules.announced("beds.svg", Some(9), 0).is_err());
/// assert!(rules.content(&kinds::PNG, Sample { head: b"bed;plant", size: Some(9) }).is_err());
/// # Ok::<_, vivero_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct FileRules {
    kinds: Vec<&'static FileKind>,
    max_size: u64,
    quota: Option<u64>,
}

impl Default for FileRules {
    /// Every kind of [`kinds`], 50 MiB a file, no quota.
    fn default() -> Self {
        Self { kinds: kinds::ALL.to_vec(), max_size: 50 << 20, quota: None }
    }
}

impl FileRules {
    /// Lets in these kinds and no others.
    #[must_use]
    pub fn kinds(mut self, kinds: &[&'static FileKind]) -> Self {
        self.kinds = kinds.to_vec();
        self
    }
    /// The most bytes of one file, at most [`MAX_FILE_BYTES`].
    #[must_use]
    pub fn max_size(mut self, bytes: u64) -> Self {
        self.max_size = bytes.min(MAX_FILE_BYTES);
        self
    }
    /// The most bytes of a tenant's files together.
    #[must_use]
    pub const fn quota(mut self, bytes: u64) -> Self {
        self.quota = Some(bytes);
        self
    }

    /// What is known before a byte is read: name, size if it was announced, and how many bytes the
    /// tenant's files have. Gives the kind of the name's ending.
    ///
    /// Errors: [`Error::Invalid`] naming every broken rule of `file_name` and `file`;
    /// [`Error::Illegal`] with code `file_quota_reached`.
    pub fn announced(&self, name: &str, size: Option<u64>, used: u64) -> Result<&'static FileKind> {
        let mut check = Check::new();
        check_name(&mut check, "file_name", name);
        let kind = extension(name).and_then(|ending| {
            self.kinds.iter().copied().find(|k| k.extensions.contains(&ending.as_str()))
        });
        if kind.is_none() {
            let endings: Vec<&str> =
                self.kinds.iter().flat_map(|k| k.extensions).copied().collect();
            let message = format!("must end in a dot and one of: {}", endings.join(", "));
            check.fail("file_name", "extension", message);
        }
        self.check_size(&mut check, size);
        check.done()?;
        self.check_quota(size.unwrap_or(1), used)?;
        kind.ok_or_else(|| Error::invalid("file_name", "extension", "is of no kind"))
    }

    /// Whether a file is what its name says.
    ///
    /// Errors: [`Error::Invalid`] on `file` with rule `content`, or `min_size` for an empty one.
    pub fn content(&self, kind: &FileKind, sample: Sample<'_>) -> Result<()> {
        let mut check = Check::new();
        if sample.head.is_empty() {
            check.fail("file", "min_size", "must not be empty");
        } else if let Err(why) = (kind.check)(sample) {
            check.fail("file", "content", format!("is not a sound {}: {why}", kind.name));
        }
        check.done()
    }

    /// What is known once a file has been read.
    ///
    /// Errors: as [`FileRules::announced`].
    pub fn arrived(&self, size: u64, used: u64) -> Result<()> {
        let mut check = Check::new();
        self.check_size(&mut check, Some(size));
        check.done()?;
        self.check_quota(size, used)
    }

    /// The most bytes an upload may have now.
    #[must_use]
    pub fn room(&self, used: u64) -> u64 {
        self.quota.map_or(self.max_size, |quota| self.max_size.min(quota.saturating_sub(used)))
    }

    /// What an upload that has more than [`FileRules::room`] is refused with.
    #[must_use]
    pub(super) fn too_large(&self, used: u64) -> Error {
        match self.quota {
            Some(quota) if quota.saturating_sub(used) < self.max_size => quota_reached(quota, used),
            _ => Error::invalid("file", "max_size", self.at_most()),
        }
    }

    fn at_most(&self) -> String {
        format!("must have at most {} bytes", self.max_size)
    }

    fn check_size(&self, check: &mut Check, size: Option<u64>) {
        match size {
            Some(0) => check.fail("file", "min_size", "must not be empty"),
            Some(size) if size > self.max_size => {
                check.fail("file", "max_size", self.at_most());
            }
            _ => {}
        }
    }

    fn check_quota(&self, size: u64, used: u64) -> Result<()> {
        match self.quota {
            Some(quota) if used.saturating_add(size) > quota => Err(quota_reached(quota, used)),
            _ => Ok(()),
        }
    }
}

fn quota_reached(quota: u64, used: u64) -> Error {
    let message = format!("all files together may have {quota} bytes, {used} are used");
    Error::Illegal { code: "file_quota_reached", message }
}
