//! A unit of work: several changes that happen together or not at all.

use super::entities::WorkEntities;
use super::repository::WorkRepository;
use super::session::TenantSession;
use super::write::How;
use crate::error::Result;
use crate::port::Work;
use crate::query::Predicate;
use crate::record::{Record, Schema, Stored};
use crate::shared::Topic;
use std::fmt;

/// Several changes that happen together or not at all.
///
/// [`UnitOfWork::commit`] returns when all of them are durable. Dropping it undoes all of them.
pub struct UnitOfWork {
    pub(super) session: TenantSession,
    pub(super) work: Box<dyn Work>,
    touches_access: bool,
    /// Set while vivero keeps its own books (sign-ins, credentials), which no permission covers.
    pub(super) unchecked: bool,
}

impl fmt::Debug for UnitOfWork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnitOfWork").field("session", &self.session).finish_non_exhaustive()
    }
}

impl UnitOfWork {
    pub(super) fn new(session: TenantSession, work: Box<dyn Work>) -> Self {
        Self { session, work, touches_access: false, unchecked: false }
    }

    /// Tracked lots, within this unit of work.
    pub fn entities(&mut self) -> WorkEntities<'_> {
        WorkEntities { work: self }
    }

    /// Records of any type, within this unit of work.
    pub fn repository<R: Record>(&mut self) -> WorkRepository<'_, R> {
        WorkRepository::new(self)
    }

    /// Makes all changes durable.
    pub async fn commit(self) -> Result<()> {
        let Self { session, work, touches_access, .. } = self;
        work.commit().await?;
        if touches_access {
            session.vivero().shared().announce(&Topic::Access(session.tenant().id)).await;
        }
        Ok(())
    }

    /// The condition under which the caller may do `action` to records of `schema`.
    pub(super) fn scope(&self, action: &str, schema: &Schema) -> Result<Predicate> {
        if self.unchecked {
            Ok(Predicate::All)
        } else {
            self.session.reach(&schema.permission(action), schema)
        }
    }

    /// Notes that what people may do changes, so that it bites on their next request.
    pub(super) fn touch<R: Record>(&mut self) {
        if matches!(R::SCHEMA.resource, "user" | "role" | "session" | "credential") {
            self.touches_access = true;
        }
    }

    /// [`UnitOfWork::add`] for vivero's own bookkeeping, which no permission covers.
    pub(super) async fn add_unchecked<R: Record>(
        &mut self,
        records: Vec<R>,
        action: &str,
    ) -> Result<Vec<Stored<R>>> {
        self.unchecked = true;
        let done = self.add(records, action).await;
        self.unchecked = false;
        done
    }

    /// [`UnitOfWork::change`] for vivero's own bookkeeping, which no permission covers.
    pub(super) async fn change_unchecked<R: Record>(
        &mut self,
        id: uuid::Uuid,
        how: How<'_>,
        edit: impl FnOnce(&mut R),
    ) -> Result<Stored<R>> {
        let edit = |record: &mut R| {
            edit(record);
            Ok(())
        };
        self.unchecked = true;
        let done = self.change(id, None, how, edit).await;
        self.unchecked = false;
        done
    }
}
