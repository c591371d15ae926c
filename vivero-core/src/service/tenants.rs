//! Tenants: making, finding, suspending. None of it reaches into a tenant's data.

use super::Vivero;
use super::idempotency::{check_key, fingerprint};
use crate::error::{Check, Error, Result};
use crate::ids::{RecordId, RoleId, TenantId, UserId};
use crate::journal::{Actor, Changes, Entry};
use crate::password;
use crate::port::Provision;
use crate::record::{Record, Row, Schema};
use crate::tenant::{NewTenant, Plan, Slug, Tenant, TenantEvent, TenantState};
use crate::usage::StoreUsage;
use crate::user::{BUILT_IN_ROLES, Credential, List, Role, User, UserStatus, check_email};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// How many numbered variants of a taken name are tried.
const SLUG_TRIES: u32 = 50;

/// The registry's tenants.
#[derive(Debug)]
pub struct Tenants<'v> {
    pub(super) vivero: &'v Vivero,
}

impl Tenants<'_> {
    /// Makes a tenant with a database of its own, the built-in roles and its owner as Admin.
    ///
    /// With an idempotency key, asking again gives the same tenant; a run that was cut off is
    /// finished. Errors: [`Error::Invalid`] with every broken rule, [`Error::Taken`] for the slug.
    pub async fn provision(&self, new: NewTenant) -> Result<Tenant> {
        let vivero = self.vivero;
        let parts = &vivero.inner.parts;
        let wanted = check(&new)?;
        let hash = parts.passwords.hash(&new.owner.password, &*parts.ids).await?;
        let now = vivero.now();
        let plan = new.plan.unwrap_or_else(|| Plan::trial(now));
        let seed = Seed::new(vivero, &new, hash, now);
        let request = format!(
            "{:?}\0{}\0{}\0{}\0{}",
            new.slug, new.organization, new.operation_type, new.owner.email, new.owner.password
        );
        let mut provision = Provision {
            id: TenantId::from_uuid(parts.ids.id(now)),
            slug: wanted.clone(),
            organization: new.organization.trim().to_owned(),
            operation_type: new.operation_type,
            plan,
            at: now,
            fingerprint: new.idempotency_key.as_ref().map(|_| fingerprint(request.as_bytes())),
            key: new.idempotency_key,
            seed: seed.rows,
            entries: seed.entries,
        };
        let mut number = 1;
        let tenant = loop {
            match parts.fleet.provision(provision.clone()).await {
                // A name the caller did not ask for may be varied; one they asked for may not.
                Err(Error::Taken { .. }) if new.slug.is_none() && number < SLUG_TRIES => {
                    number += 1;
                    let next = wanted.numbered(number);
                    provision.slug =
                        next.ok_or_else(|| Error::invalid("organization", "slug", "give a slug"))?;
                }
                other => break other?,
            }
        };
        vivero.tenants_changed().await;
        Ok(tenant)
    }

    /// The tenant with this slug.
    pub async fn find(&self, slug: &Slug) -> Result<Arc<Tenant>> {
        self.vivero.fleet().find_by_slug(slug).await?.ok_or_else(|| Error::not_found("tenant"))
    }

    /// Tenants by slug, after `after`.
    pub async fn list(&self, after: Option<&str>, limit: u32) -> Result<Vec<Tenant>> {
        self.vivero.fleet().list(after, limit.clamp(1, crate::page::MAX_LIMIT)).await
    }

    /// What a tenant's database costs and was asked, whatever the tenant's state.
    pub async fn usage(&self, slug: &Slug) -> Result<(Arc<Tenant>, StoreUsage)> {
        let tenant = self.find(slug).await?;
        let usage = self.vivero.fleet().usage(&tenant).await?;
        Ok((tenant, usage))
    }

    /// What became of a tenant, newest first, at most `limit`: made, suspended, resumed, moved, restored, to be
    /// removed.
    pub async fn events(&self, slug: &Slug, limit: u32) -> Result<Vec<TenantEvent>> {
        let tenant = self.find(slug).await?;
        let limit = limit.clamp(1, crate::page::MAX_LIMIT);
        self.vivero.fleet().book().tenant_events(tenant.id, limit).await
    }

    /// Stops a tenant: its people are refused from their next request on. Nothing is lost.
    pub async fn suspend(&self, slug: &Slug) -> Result<Tenant> {
        self.go(slug, TenantState::Suspended).await
    }

    /// Lets a tenant work again that is suspended, or marked for removal.
    pub async fn resume(&self, slug: &Slug) -> Result<Tenant> {
        let tenant = self.find(slug).await?;
        if tenant.state == TenantState::Deleting
            && self.vivero.fleet().book().marks(tenant.id).await?.archive.is_some()
        {
            let message = "the tenant is in an archive: restore it";
            return Err(Error::Illegal { code: "tenant_state", message: message.into() });
        }
        self.go(slug, TenantState::Active).await
    }

    /// Finishes or undoes what a process that died left half-made; returns how many of each.
    pub async fn recover_provisioning(&self) -> Result<(u64, u64)> {
        let outcome = self.vivero.fleet().resume_provisioning().await?;
        self.vivero.tenants_changed().await;
        Ok(outcome)
    }

    async fn go(&self, slug: &Slug, to: TenantState) -> Result<Tenant> {
        let tenant = self.find(slug).await?;
        if tenant.state == to {
            return Ok(Tenant::clone(&tenant));
        }
        if !tenant.state.next().contains(&to) {
            let message = format!("a tenant that is {} cannot become {to}", tenant.state);
            return Err(Error::Illegal { code: "tenant_state", message });
        }
        let changed =
            self.vivero.fleet().set_state(tenant.id, to, tenant.version, self.vivero.now()).await?;
        self.vivero.tenants_changed().await;
        Ok(changed)
    }
}

/// Checks everything a person typed, and finds the slug.
fn check(new: &NewTenant) -> Result<Slug> {
    let mut check = Check::new();
    check.text("organization", &new.organization, 1, 200);
    check.text("name", &new.owner.name, 1, 200);
    check_email(&mut check, new.owner.email.trim());
    let local = new.owner.email.split('@').next().unwrap_or_default();
    password::check(
        &mut check,
        "password",
        &new.owner.password,
        &[local, &new.owner.email, &new.organization],
    );
    let slug = match &new.slug {
        Some(slug) => slug.parse::<Slug>(),
        None => Slug::suggest(&new.organization).ok_or_else(|| {
            Error::invalid("slug", "required", "cannot be made from the organization; give one")
        }),
    };
    if let Err(Error::Invalid(rules)) = &slug {
        for rule in rules {
            check.fail(&rule.field, &rule.rule, rule.message.clone());
        }
    }
    if let Some(key) = &new.idempotency_key {
        check_key(key)?;
    }
    check.done()?;
    slug
}

/// The first rows of a tenant's database.
struct Seed {
    rows: Vec<(&'static Schema, Vec<Row>)>,
    entries: Vec<Entry>,
}

impl Seed {
    fn new(vivero: &Vivero, new: &NewTenant, password_hash: String, now: DateTime<Utc>) -> Self {
        let mut seed = Self { rows: Vec::new(), entries: Vec::new() };
        let id = || vivero.ids().id(now);
        let roles: Vec<Role> = BUILT_IN_ROLES
            .iter()
            .map(|r| Role {
                id: RoleId::from_uuid(id()),
                name: r.name.into(),
                description: r.description.into(),
                grants: List(r.grants.to_vec()),
                built_in: true,
            })
            .collect();
        let admin = roles.iter().filter(|r| r.name == "Admin").map(|r| r.id).collect();
        let user = User {
            id: UserId::from_uuid(id()),
            email: new.owner.email.trim().to_lowercase(),
            name: new.owner.name.trim().to_owned(),
            status: UserStatus::Active,
            roles: List(admin),
            locations: List(Vec::new()),
        };
        let credential = Credential {
            id: RecordId::from_uuid(id()),
            user_id: user.id,
            password_hash: Some(password_hash),
            invitation_hash: None,
            invitation_ends_at: None,
            changed_at: Some(now),
        };
        seed.add(roles, now);
        seed.add(vec![user], now);
        seed.add(vec![credential], now);
        seed
    }

    fn add<R: Record>(&mut self, records: Vec<R>, now: DateTime<Utc>) {
        let system = Actor::System { reason: "provisioning".into() };
        let mut rows = Vec::new();
        for record in records {
            let id = record.record_id();
            let values = record.into_values();
            self.entries.push(Entry {
                at: now,
                actor: system.clone(),
                action: format!("{}.create", R::SCHEMA.resource),
                resource: R::SCHEMA.resource.into(),
                record_id: id,
                version: 1,
                changes: Changes::between(R::SCHEMA, None, Some(&values)),
                cause: None,
            });
            rows.push(Row {
                seq: 0,
                id,
                version: 1,
                created_at: now,
                created_by: system.id(),
                updated_at: now,
                updated_by: system.id(),
                deleted_at: None,
                values,
            });
        }
        self.rows.push((R::SCHEMA, rows));
    }
}
