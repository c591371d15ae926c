//! Operations on whole tenants, step by step and on record.
//!
//! Each step can be cut off and done again. What a later step needs of an earlier one stands in the
//! operation's result; a database is made under a generation of its own for each attempt, so whoever was
//! overtaken writes into nothing that is used. Only the holder of the tenant's lease notes anything.

mod ask;
mod contents;
mod end;
mod giving_up;
mod load;
mod moving;
mod put;
mod removal;
mod run;
mod turning;

use crate::archive::{ArchiveKey, ArchivePlace, list, parse_stored};
use async_trait::async_trait;
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;
use vivero_core::files::FileStore;
use vivero_core::ids::TenantId;
use vivero_core::operations::{Consent, NewOperation, Operation, Operations, StoredArchive};
use vivero_core::port::Fleet;
use vivero_core::shared::Topic;
use vivero_core::{Clock, Error, IdSource, Result, Shared};

/// Asked before each step: for tests that stop a run anywhere.
#[async_trait]
pub trait StepHook: Send + Sync + fmt::Debug {
    /// An error ends the run at once, as if the process had died: nothing is noted and nothing undone.
    async fn before(&self, operation: &Operation, step: &str) -> Result<()>;
}

/// Does operations on the tenants of a fleet.
#[derive(Debug)]
pub struct FleetOperations {
    fleet: Arc<dyn Fleet>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    /// Where archives lie that are named without a path.
    folder: PathBuf,
    key: Option<ArchiveKey>,
    hook: Option<Arc<dyn StepHook>>,
    shared: Option<Arc<dyn Shared>>,
    files: Option<Arc<dyn FileStore>>,
    /// Who takes leases.
    holder: Uuid,
    /// Tenants something is done to in this process: its own lease would be given to it again.
    busy: Mutex<HashSet<TenantId>>,
}

impl FleetOperations {
    /// With archives in `folder`, sealed if there is a key.
    #[must_use]
    pub fn new(
        fleet: Arc<dyn Fleet>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdSource>,
        folder: PathBuf,
        key: Option<ArchiveKey>,
    ) -> Self {
        let holder = ids.id(clock.now());
        Self {
            fleet,
            clock,
            ids,
            folder,
            key,
            hook: None,
            shared: None,
            files: None,
            holder,
            busy: Mutex::default(),
        }
    }

    /// With word to every process, at once, when a tenant has another database.
    #[must_use]
    pub fn with_shared(mut self, shared: Arc<dyn Shared>) -> Self {
        self.shared = Some(shared);
        self
    }

    /// With a hook before each step.
    #[must_use]
    pub fn with_hook(mut self, hook: Arc<dyn StepHook>) -> Self {
        self.hook = Some(hook);
        self
    }

    /// Tells every process that a tenant's row has changed.
    async fn announce(&self) {
        if let Some(shared) = &self.shared {
            shared.announce(&Topic::Tenants).await;
        }
    }

    /// With a store of files, where archives can lie as well.
    #[must_use]
    pub fn with_files(mut self, store: Arc<dyn FileStore>) -> Self {
        self.files = Some(store);
        self
    }

    /// What an archive's name stands for.
    fn place(&self, name: &str) -> Result<ArchivePlace> {
        if parse_stored(name).is_some() {
            let store = Arc::clone(self.store()?);
            return ArchivePlace::stored(name, store).ok_or_else(|| Error::corrupt("a name"));
        }
        let path = Path::new(name);
        let path = if path.is_absolute() { path.to_owned() } else { self.folder.join(path) };
        Ok(ArchivePlace::File(path))
    }

    fn store(&self) -> Result<&Arc<dyn FileStore>> {
        self.files.as_ref().ok_or_else(|| {
            illegal("files_off", "this installation has no store of files; give a path instead")
        })
    }

    fn salt(&self) -> [u8; 32] {
        let mut salt = [0; 32];
        self.ids.fill(&mut salt);
        salt
    }
}

#[async_trait]
impl Operations for FleetOperations {
    async fn ask(&self, new: NewOperation) -> Result<Operation> {
        self.check_and_note(new).await
    }

    async fn archives(&self, tenant: TenantId) -> Result<Vec<StoredArchive>> {
        list(&**self.store()?, tenant).await
    }

    async fn run(&self, id: Uuid) -> Result<Operation> {
        self.run_to_end(id).await
    }

    async fn end(&self, id: Uuid, consent: Consent) -> Result<Operation> {
        self.end_it(id, consent).await
    }
}

/// That something is done to a tenant, until it is dropped.
struct Busy<'o>(&'o FleetOperations, TenantId);

impl FleetOperations {
    /// `None` if this process does something to the tenant already.
    fn begin(&self, tenant: TenantId) -> Option<Busy<'_>> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        busy.insert(tenant).then(|| Busy(self, tenant))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

/// A parameter or result that is text.
fn text<'a>(json: &'a serde_json::Value, name: &str) -> Option<&'a str> {
    json.get(name).and_then(serde_json::Value::as_str)
}

fn illegal(code: &'static str, message: impl Into<String>) -> Error {
    Error::Illegal { code, message: message.into() }
}
