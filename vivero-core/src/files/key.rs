//! Where files lie: keys made of ids, and the names stores derive from them.

use crate::error::Error;
use crate::ids::{FileId, TenantId};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Most ids of one key.
pub const MAX_KEY_IDS: usize = 3;

/// The two parts of a tenant's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Area {
    /// Written, but not yet checked: never shown to anyone.
    Quarantine,
    /// Checked.
    Stored,
}

impl Area {
    /// Both, in the order of their names.
    pub const ALL: [Self; 2] = [Self::Quarantine, Self::Stored];

    /// Its name: `quarantine` or `stored`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Stored => "stored",
        }
    }
}

/// One to [`MAX_KEY_IDS`] ids. The unused ones are nil, and the length ends the comparison: so the
/// derived order is the order of the texts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Ids {
    ids: [Uuid; MAX_KEY_IDS],
    len: usize,
}

impl Ids {
    const NONE: Self = Self { ids: [Uuid::nil(); MAX_KEY_IDS], len: 0 };

    fn new(given: &[Uuid]) -> Option<Self> {
        let mut ids = Self::NONE;
        ids.ids.get_mut(..given.len())?.copy_from_slice(given);
        ids.len = given.len();
        Some(ids)
    }
    fn as_slice(&self) -> &[Uuid] {
        &self.ids[..self.len]
    }
    fn parse(text: &str) -> Option<Self> {
        let mut ids = Self::NONE;
        for part in text.split('-') {
            let canonical = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            if part.len() != 32 || !part.bytes().all(canonical) {
                return None;
            }
            *ids.ids.get_mut(ids.len)? = Uuid::try_parse(part).ok()?;
            ids.len += 1;
        }
        Some(ids)
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, id) in self.as_slice().iter().enumerate() {
            if i > 0 {
                f.write_str("-")?;
            }
            fmt::Display::fmt(&id.simple(), f)?;
        }
        Ok(())
    }
}

/// What a file is stored under within its tenant: an [`Area`] and one to [`MAX_KEY_IDS`] ids.
///
/// As text: `stored/018f…` or `stored/018f…-018f…`, ids in 32 lower-case hexadecimal digits. Nothing
/// else is read as a key. Keys are ordered as their texts are.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileKey {
    area: Area,
    ids: Ids,
}

impl FileKey {
    /// A key of these ids, e.g. of a file and of one of its versions.
    ///
    /// Errors: [`Error::Invalid`] for no id or more than [`MAX_KEY_IDS`].
    pub fn new(area: Area, ids: &[Uuid]) -> Result<Self, Error> {
        Ids::new(ids).filter(|ids| ids.len > 0).map(|ids| Self { area, ids }).ok_or_else(|| {
            Error::invalid("file_key", "ids", format!("must have one to {MAX_KEY_IDS} ids"))
        })
    }
    /// A file that is checked.
    #[must_use]
    pub fn stored(file: FileId) -> Self {
        Self::of(Area::Stored, file)
    }
    /// A file that is not checked yet.
    #[must_use]
    pub fn quarantined(file: FileId) -> Self {
        Self::of(Area::Quarantine, file)
    }
    fn of(area: Area, file: FileId) -> Self {
        let mut ids = Ids::NONE;
        ids.ids[0] = file.uuid();
        ids.len = 1;
        Self { area, ids }
    }
    /// The same ids in that area.
    #[must_use]
    pub const fn in_area(self, area: Area) -> Self {
        Self { area, ..self }
    }
    /// Its area.
    #[must_use]
    pub const fn area(&self) -> Area {
        self.area
    }
    /// Its ids.
    #[must_use]
    pub fn ids(&self) -> &[Uuid] {
        self.ids.as_slice()
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.area.as_str(), self.ids)
    }
}
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({self})")
    }
}
impl FromStr for FileKey {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (area, ids) = text.split_once('/')?;
            let area = Area::ALL.into_iter().find(|a| a.as_str() == area)?;
            Some(Self { area, ids: Ids::parse(ids)? })
        };
        parse().ok_or_else(|| Error::invalid("file_key", "file_key", "is not the key of a file"))
    }
}

/// What the keys of a list begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FilePrefix(Option<(Area, Ids)>);

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FilePrefix {
    /// Every file of the tenant.
    #[must_use]
    pub const fn all() -> Self {
        Self(None)
    }
    /// Every file of an area.
    #[must_use]
    pub const fn area(area: Area) -> Self {
        Self(Some((area, Ids::NONE)))
    }
    /// The file with this key and every one whose key goes on after it.
    #[must_use]
    pub const fn from_key(key: FileKey) -> Self {
        Self(Some((key.area, key.ids)))
    }
    /// The area, unless every area is meant.
    #[must_use]
    pub fn only_area(&self) -> Option<Area> {
        self.0.map(|(area, _)| area)
    }
    /// Whether a key begins with it.
    #[must_use]
    pub fn contains(&self, key: &FileKey) -> bool {
        self.0.is_none_or(|(area, ids)| {
            area == key.area && key.ids.as_slice().starts_with(ids.as_slice())
        })
    }
}

impl fmt::Display for FilePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => Ok(()),
            Some((area, ids)) => write!(f, "{}/{ids}", area.as_str()),
        }
    }
}

/// The name of a file in a store: `<tenant>/<key>`. Stores make theirs from it and nothing else, so a
/// name always begins with the tenant it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// Whose file it is.
    pub tenant: TenantId,
    /// Which file it is.
    pub key: FileKey,
}

impl ObjectName {
    /// The name of a tenant's file.
    #[must_use]
    pub const fn new(tenant: TenantId, key: FileKey) -> Self {
        Self { tenant, key }
    }
    /// What the names of these files of a tenant begin with.
    #[must_use]
    pub fn prefix(tenant: TenantId, prefix: &FilePrefix) -> String {
        format!("{}/{prefix}", tenant.uuid().simple())
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tenant.uuid().simple(), self.key)
    }
}
impl FromStr for ObjectName {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || Error::invalid("object_name", "object_name", "is not the name of a file");
        let (tenant, key) = text.split_once('/').ok_or_else(refused)?;
        let tenant = Ids::parse(tenant).filter(|ids| ids.len == 1).ok_or_else(refused)?;
        let key = key.parse().map_err(|_| refused())?;
        Ok(Self { tenant: TenantId::from_uuid(tenant.ids[0]), key })
    }
}
