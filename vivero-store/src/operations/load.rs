//! A tenant's database from an archive or from another tenant's, then the switch to it.

use super::contents::given_to;
use super::run::{Run, Step, describe};
use super::{illegal, text};
use crate::archive::{ArchivePlace, ArchiveReader, Head, Header, verify};
use serde_json::json;
use vivero_core::copy::Chain;
use vivero_core::ids::TenantId;
use vivero_core::journal::{Actor, Anchor, Changes, Entry};
use vivero_core::operations::{Marks, OperationKind as Kind, TenantChange};
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::{Error, Result, Slug};

/// Changes of a tenant that are looked through, from the last one back.
const EVENTS: u32 = 10_000;

impl Run<'_> {
    /// The archive to read: the one that was named, or the one the tenant is kept in.
    async fn source_archive(&self) -> Result<ArchivePlace> {
        if text(&self.operation.parameters, "archive").is_some() {
            return self.archive();
        }
        let marks = self.fleet().book().marks(self.operation.tenant).await?;
        let name =
            marks.archive.ok_or_else(|| Error::invalid("archive", "required", "is needed"))?;
        self.all.place(&name)
    }

    /// Proves the whole archive before anything is touched.
    pub(super) async fn check(&mut self) -> Step<()> {
        let place = self.source_archive().await?;
        let name = place.name();
        let proof = verify(place, self.all.key.as_ref(), |_, _| {}).await?;
        if self.operation.kind == Kind::Restore && proof.header.tenant_id() != self.operation.tenant
        {
            let message = format!("is of tenant {}", proof.header.tenant.slug);
            return Err(Error::invalid("archive", "tenant", message).into());
        }
        self.set("archive", json!(name));
        self.set("archive_id", json!(proof.header.archive));
        self.set("made_at", json!(proof.header.made_at));
        self.set("content", json!(proof.trailer.content));
        self.set("source_head", json!(proof.header.head));
        Ok(())
    }

    /// The tenant as the registry will have it, at the generation of this attempt. One attempt never
    /// shares a database with another.
    async fn target(&mut self, header: Option<&Header>) -> Result<Tenant> {
        let tenant = self.operation.tenant;
        let found = self.fleet().find(tenant).await?;
        let current = found.as_ref().map_or(0, |t| t.generation);
        let archived = header.map_or(0, |h| h.tenant.generation);
        let tried = self.number("generation").unwrap_or(0);
        let mine = found.as_ref().is_some_and(|t| t.state == TenantState::Loading);
        let least = if mine { tried } else { current.max(archived) };
        // One that the tenant had and was taken back from is not given again: other processes may still have that
        // database open, and it may be kept somewhere.
        let had = self.fleet().book().tenant_events(tenant, EVENTS).await?;
        let had = had.iter().map(|event| event.generation).max().unwrap_or(0);
        let generation = least.max(tried).max(had) + 1;
        if tried > 0 && (mine || tried != current) {
            self.fleet().retire(tenant, tried).await;
            self.remove(tenant, tried).await?;
        }
        self.set("generation", json!(generation));
        self.note().await?;
        if let Some(found) = found.filter(|_| !mine) {
            return Ok(Tenant { generation, ..Tenant::clone(&found) });
        }
        let bad = |_| Error::corrupt("the archive's tenant");
        let described = match (header, self.operation.kind) {
            (Some(header), kind) => {
                let a = &header.tenant;
                let slug: Slug = a.slug.parse().map_err(bad)?;
                let restored = kind == Kind::Restore;
                Tenant {
                    id: tenant,
                    slug: self.operation.slug.clone(),
                    organization: a.organization.clone(),
                    operation_type: a.operation_type,
                    state: TenantState::Loading,
                    plan: a.plan,
                    generation,
                    schema_version: a.schema_version,
                    version: 1,
                    created_at: if restored && slug == self.operation.slug {
                        a.created_at
                    } else {
                        self.operation.created_at
                    },
                    neutral: true,
                }
            }
            (None, _) => {
                let source = self.source().await?;
                Tenant {
                    id: tenant,
                    slug: self.operation.slug.clone(),
                    state: TenantState::Loading,
                    generation,
                    version: 1,
                    created_at: self.operation.created_at,
                    neutral: true,
                    ..source
                }
            }
        };
        let marks = Marks { neutral: true, ..Marks::default() };
        self.fleet().book().enter_tenant(&self.operation, &described, &marks).await?;
        Ok(described)
    }

    /// A generation to come of a tenant that is there.
    pub(super) async fn new_generation(&mut self) -> Result<Tenant> {
        self.target(None).await
    }

    /// The tenant that is copied.
    pub(super) async fn source(&self) -> Result<Tenant> {
        let slug = text(&self.operation.parameters, "source").unwrap_or_default();
        let slug: Slug = slug.parse()?;
        let found = self.fleet().find_by_slug(&slug).await?;
        found.map(|t| Tenant::clone(&t)).ok_or_else(|| Error::not_found("tenant"))
    }

    /// The entry that tells a new tenant where its data came from.
    fn origin(&self, tenant: TenantId, source: TenantId, slug: &str, head: &Head) -> Chain {
        let kind = self.operation.kind;
        let changes = [
            ("source_tenant", json!(source)),
            ("source_slug", json!(slug)),
            ("source_position", json!(head.position)),
            ("source_hash", json!(head.hash)),
        ];
        let changes =
            changes.into_iter().map(|(n, v)| (n.to_owned(), (serde_json::Value::Null, v)));
        Chain::Anew(Box::new(Entry {
            at: self.all.clock.now(),
            actor: Actor::System { reason: kind.as_str().into() },
            action: format!("tenant.{kind}"),
            resource: "tenant".into(),
            record_id: tenant.uuid(),
            version: 1,
            changes: Changes(changes.collect()),
            cause: Some(format!("operation {}", self.operation.id)),
        }))
    }

    pub(super) async fn load(&mut self) -> Step<()> {
        let head = if self.operation.kind == Kind::Clone {
            self.load_clone().await?
        } else {
            self.load_archive().await?
        };
        self.set("head", json!(Head::from(head)));
        Ok(())
    }

    async fn load_archive(&mut self) -> Step<Anchor> {
        let place = self.source_archive().await?;
        let mut reader = ArchiveReader::open(place, self.all.key.as_ref()).await?;
        let header = reader.header().clone();
        let target = self.target(Some(&header)).await?;
        self.hook("load/tables").await?;
        let chain = if self.operation.kind == Kind::Restore {
            Chain::Keep
        } else {
            self.origin(target.id, header.tenant_id(), &header.tenant.slug, &header.head)
        };
        let mut loading = self.fleet().load(&target, &header.tables, chain).await?;
        let mut done = 0;
        while let Some(part) = reader.next().await {
            self.hook("load/part").await?;
            done += part.rows.len() as u64;
            loading.add(given_to(part, &header.tables, (header.tenant_id(), target.id))).await?;
            self.progress(done, header.rows).await?;
        }
        let proof = reader.finish().await?;
        self.hook("load/finish").await?;
        let head = loading.finish().await?;
        self.set("rows", json!(proof.trailer.rows));
        self.progress(done, done).await?;
        self.copy_contents(header.tenant_id()).await?;
        Ok(head)
    }

    async fn load_clone(&mut self) -> Step<Anchor> {
        let source = self.source().await?;
        let target = self.target(None).await?;
        self.hook("load/tables").await?;
        let store = self.fleet().open(&source).await?;
        store.seal().await?;
        let mut snapshot = store.snapshot(None).await?;
        let extent = snapshot.extent().clone();
        let head = Head::from(extent.head);
        let chain = self.origin(target.id, source.id, source.slug.as_str(), &head);
        let tables = snapshot.tables().to_vec();
        let mut loading = self.fleet().load(&target, &tables, chain).await?;
        let mut done = 0;
        while let Some(part) = snapshot.next().await? {
            self.hook("load/part").await?;
            done += part.rows.len() as u64;
            loading.add(given_to(part, &tables, (source.id, target.id))).await?;
            self.progress(done, extent.rows).await?;
        }
        drop(snapshot);
        self.hook("load/finish").await?;
        self.set("rows", json!(done));
        self.set("source_head", json!(head));
        self.progress(done, done).await?;
        let head = loading.finish().await?;
        self.copy_contents(source.id).await?;
        Ok(head)
    }

    /// Makes the loaded database the tenant's. The one before takes no writes any more; what has it open
    /// here is closed.
    pub(super) async fn switch(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        let generation = self.loaded()?;
        if tenant.generation == generation && tenant.state != TenantState::Loading {
            return Ok(());
        }
        self.proven(&tenant, generation).await?;
        let before = tenant.generation;
        if tenant.state == TenantState::Loading {
            self.set("previous_generation", json!(null));
        } else {
            self.set("previous_generation", json!(before));
            if let Some(anchor) = self.fleet().anchor(tenant.id).await? {
                self.set("previous_anchor", json!(Head::from(anchor)));
            }
            self.note().await?;
            // A damaged one cannot be opened, and so not be written to either. One that is open here may be gone since.
            self.fleet().retire(tenant.id, before).await;
            if let Ok(store) = self.fleet().open(&tenant).await {
                store.fence(true).await?;
            }
            self.fleet().retire(tenant.id, before).await;
        }
        let state = match tenant.state {
            TenantState::Loading | TenantState::Archived | TenantState::Deleting => {
                TenantState::Active
            }
            other => other,
        };
        let change = TenantChange {
            from: tenant.state,
            state,
            generation,
            marks: Marks { neutral: true, ..Marks::default() },
            anchor: Some(self.head()?),
        };
        self.hook("switch/registry").await?;
        self.fleet().book().change_tenant(&self.operation, tenant.id, &change).await?;
        self.all.announce().await;
        Ok(())
    }

    /// That the database that was made can be opened and written: its server may have gone since, or have been made
    /// read-only, and the one before is whole.
    pub(super) async fn proven(&self, tenant: &Tenant, generation: i64) -> Result<()> {
        let made = Tenant { generation, ..tenant.clone() };
        // Not one that was opened before: that says nothing of its server.
        self.fleet().retire(tenant.id, generation).await;
        let store = self.fleet().open(&made).await?;
        // Takes the turn to write, under the tenant's own account, and leaves it.
        store.begin().await?.remembered("").await.map(|_| ())
    }

    pub(super) fn loaded(&self) -> Result<i64> {
        self.number("generation")
            .ok_or_else(|| Error::corrupt("an operation without its generation"))
    }

    pub(super) fn head(&self) -> Result<Anchor> {
        let bad = || Error::corrupt("an operation without its head");
        let head: Head = self
            .operation
            .result
            .get("head")
            .and_then(|h| serde_json::from_value(h.clone()).ok())
            .ok_or_else(bad)?;
        let bytes: Option<Vec<u8>> = (0..head.hash.len() / 2)
            .map(|i| head.hash.get(i * 2..i * 2 + 2).and_then(|b| u8::from_str_radix(b, 16).ok()))
            .collect();
        let hash = bytes.and_then(|b| b.try_into().ok()).ok_or_else(bad)?;
        Ok(Anchor { position: head.position, hash })
    }

    /// Removes the database that was replaced, once the new one has answered, with all that was put into it: until
    /// then the old one may be all that is left.
    pub(super) async fn clean(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        let Some(before) = self.number("previous_generation").filter(|b| *b != tenant.generation)
        else {
            return Ok(());
        };
        if tenant.generation != self.loaded()? {
            return Err(illegal("tenant_state", "the tenant has another database by now").into());
        }
        let moved = text(&self.operation.parameters, "to").is_some();
        if moved && self.before_elsewhere(&tenant).await?.is_none() {
            // Removed by a run that was cut off.
            return Ok(());
        }
        self.fleet().retire(tenant.id, before).await;
        self.hook("clean/database").await?;
        if let Err(error) = self.has_head(&tenant).await {
            return Err(self.old_one_stays(&tenant, &error).await?.into());
        }
        self.hook("clean/removal").await?;
        self.remove_replaced(before).await?;
        Ok(())
    }

    async fn old_one_stays(&self, tenant: &Tenant, error: &Error) -> Result<Error> {
        let server = self.fleet().server_of(tenant).await?;
        let message = format!(
            "the tenant's new database, on server {server}, does not answer or is not whole ({}). The database \
             before is kept, and removed by itself when the new one answers",
            describe(error)
        );
        Ok(illegal("database_silent", message))
    }

    pub(super) async fn undo_load(&mut self) -> Result<()> {
        let tenant = self.operation.tenant;
        let found = self.fleet().find(tenant).await?;
        if let Some(found) = &found
            && found.state != TenantState::Loading
            && self.number("previous_generation") == Some(found.generation)
        {
            self.fleet().retire(tenant, found.generation).await;
            if let Ok(store) = self.fleet().open(found).await {
                store.fence(false).await?;
            }
        }
        if let Some(generation) = self.number("generation")
            && found
                .as_ref()
                .is_none_or(|t| t.generation != generation || t.state == TenantState::Loading)
        {
            self.remove(tenant, generation).await?;
        }
        if let Some(found) = found.filter(|t| t.state == TenantState::Loading) {
            self.remove(tenant, found.generation).await?;
            self.undo_contents().await?;
            self.fleet().book().forget_tenant(&self.operation, tenant).await?;
        }
        Ok(())
    }
}
