//! The folder: paths, and what is done to them. Everything here waits for the disk.

use super::part::Name;
use super::trailer;
use crate::disk::{io_error, make_private, sync_folder};
use chrono::{DateTime, Utc};
use std::fs::{self, File};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use vivero_core::files::{
    Area, FileEntry, FileInfo, FileKey, FilePrefix, ObjectName, no_such_file,
};
use vivero_core::{Error, Result, TenantId};

/// Hexadecimal digits of an id that name a folder: 20 of a UUIDv7's 48 bits of time, 3.1 days.
const DIGITS: usize = 5;

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    incoming: PathBuf,
    durable: bool,
    /// Held while folders are made: who finds one must not overtake who makes it survive.
    making: Mutex<()>,
}

impl Folder {
    pub(super) fn open(root: PathBuf, durable: bool) -> Result<Self> {
        let incoming = root.join("incoming");
        fs::create_dir_all(&incoming).map_err(|e| io_error("making the folder of files", e))?;
        make_private(&root)?;
        sync_folder(&root)?;
        Ok(Self { root, incoming, durable, making: Mutex::new(()) })
    }
    pub(super) fn incoming(&self) -> &Path {
        &self.incoming
    }
    pub(super) const fn durable(&self) -> bool {
        self.durable
    }

    fn area(&self, tenant: TenantId, area: Area) -> PathBuf {
        self.root.join(tenant.uuid().simple().to_string()).join(area.as_str())
    }

    /// The folder and the path of a file.
    fn path(&self, name: ObjectName) -> (PathBuf, PathBuf) {
        let ids = ids(&name.key.to_string()).to_owned();
        let folder = self.area(name.tenant, name.key.area()).join(digits(&ids));
        let path = folder.join(ids);
        (folder, path)
    }

    /// A file, opened, with what its trailer says.
    pub(super) fn find(&self, name: ObjectName) -> Result<Option<(File, FileInfo)>> {
        let (_, path) = self.path(name);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(io_error("opening a file", e)),
        };
        let (size, sha256) =
            trailer::read(&mut file).map_err(|e| io_error("reading a file", e))?.ok_or_else(
                || Error::corrupt(format!("file {name} is cut off or was not written by vivero")),
            )?;
        Ok(Some((file, FileInfo { key: name.key, size, sha256 })))
    }

    /// Gives what was written its final name.
    pub(super) fn adopt(&self, part: Name, name: ObjectName) -> Result<()> {
        let (folder, path) = self.path(name);
        self.make(&folder)?;
        part.rename(&path).map_err(|e| io_error("naming a file", e))?;
        self.sync(&folder)
    }

    pub(super) fn rename(&self, from: ObjectName, to: ObjectName) -> Result<()> {
        let ((from_folder, from), (to_folder, to)) = (self.path(from), self.path(to));
        self.make(&to_folder)?;
        match fs::rename(from, to) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(no_such_file()),
            Err(e) => return Err(io_error("renaming a file", e)),
        }
        self.sync(&to_folder)?;
        self.sync(&from_folder)
    }

    pub(super) fn remove(&self, name: ObjectName) -> Result<()> {
        let (folder, path) = self.path(name);
        match fs::remove_file(path) {
            Ok(()) => self.sync(&folder),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(io_error("removing a file", e)),
        }
    }

    /// Shows files in the order of keys, until told to stop.
    pub(super) fn visit(
        &self,
        tenant: TenantId,
        prefix: FilePrefix,
        after: Option<FileKey>,
        mut visitor: impl FnMut(FileEntry) -> ControlFlow<()>,
    ) -> Result<()> {
        let (start, after_text) = (prefix.to_string(), after.map(|key| key.to_string()));
        for area in Area::ALL {
            let over = after.is_some_and(|after| after.area() > area);
            if over || prefix.only_area().is_some_and(|only| only != area) {
                continue;
            }
            let path = self.area(tenant, area);
            let first = after_text.as_deref().filter(|_| after.is_some_and(|k| k.area() == area));
            for name in names(&path)? {
                // Shorter than the prefix, or after it: compared as far as both go.
                let wanted = ids(&start);
                let common = wanted.len().min(name.len());
                if name.get(..common) != wanted.get(..common)
                    || first.is_some_and(|first| name.as_str() < digits(ids(first)))
                {
                    continue;
                }
                let folder = path.join(&name);
                for name in names(&folder)? {
                    let Ok(key) = format!("{}/{name}", area.as_str()).parse::<FileKey>() else {
                        continue;
                    };
                    if !prefix.contains(&key) || after.is_some_and(|after| key <= after) {
                        continue;
                    }
                    if let Some(file) = entry(&folder.join(name), key)?
                        && visitor(file).is_break()
                    {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Removes what is older among the files being written.
    pub(super) fn sweep(&self, before: DateTime<Utc>) -> Result<u64> {
        let mut removed = 0;
        for name in names(&self.incoming)? {
            let path = self.incoming.join(name);
            let written = fs::metadata(&path).and_then(|m| m.modified()).map(DateTime::<Utc>::from);
            match written
                .map(|at| if at < before { fs::remove_file(&path).map(|()| 1) } else { Ok(0) })
            {
                Ok(Ok(one)) => removed += one,
                // Done meanwhile, by whoever wrote it.
                Err(e) | Ok(Err(e)) if e.kind() == io::ErrorKind::NotFound => {}
                Err(e) | Ok(Err(e)) => return Err(io_error("removing what was cut off", e)),
            }
        }
        Ok(removed)
    }

    fn sync(&self, folder: &Path) -> Result<()> {
        if self.durable { sync_folder(folder) } else { Ok(()) }
    }

    /// Makes a folder and those above it.
    fn make(&self, folder: &Path) -> Result<()> {
        let _one_at_a_time = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        self.make_below_root(folder)
    }
    fn make_below_root(&self, folder: &Path) -> Result<()> {
        if folder.is_dir() {
            return Ok(());
        }
        let above = folder.parent().unwrap_or(&self.root);
        if above != self.root {
            self.make_below_root(above)?;
        }
        match fs::create_dir(folder) {
            Ok(()) => self.sync(above),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => self.sync(above),
            Err(e) => Err(io_error("making a folder", e)),
        }
    }
}

/// The part of a key's or a prefix's text behind the area.
fn ids(text: &str) -> &str {
    text.split_once('/').map_or("", |(_, ids)| ids)
}
fn digits(ids: &str) -> &str {
    ids.get(..DIGITS).unwrap_or(ids)
}

/// The names in a folder, in order; none if there is no such folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |e| io_error("listing a folder", e);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(e) => return Err(failed(e)),
    };
    let mut names = Vec::new();
    for entry in entries {
        // What is not UTF-8 is not ours.
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A file of a list, unless it is gone by now.
fn entry(path: &Path, key: FileKey) -> Result<Option<FileEntry>> {
    let looked_at = fs::metadata(path).and_then(|m| Ok((m.len(), m.modified()?)));
    match looked_at {
        Ok((length, modified)) => Ok(Some(FileEntry {
            key,
            size: length.saturating_sub(trailer::BYTES),
            modified: modified.into(),
        })),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io_error("listing a folder", e)),
    }
}
