//! What is asked for, checked before it is put on record.

use super::{FleetOperations, illegal, text};
use crate::archive::{NOBODY, parse_stored, stored_name};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use std::path::{Component, Path};
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::operations::{NewOperation, Operation, OperationKind as Kind, OperationState};
use vivero_core::server::ServerState;
use vivero_core::tenant::{Tenant, TenantState};
use vivero_core::{Check, Error, Result, Slug};

/// Days a tenant that is to be removed can still be had back, if nothing is said.
const GRACE_DAYS: i64 = 30;

/// The parameters each kind takes.
const fn taken(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Backup => &["archive", "store", "keep", "keep_days"],
        Kind::Export | Kind::Archive => &["archive", "store"],
        Kind::Import | Kind::Verify => &["archive"],
        Kind::Restore => &["archive", "replace"],
        Kind::Clone => &["source"],
        Kind::Delete => &["grace_days", "confirm"],
        Kind::Purge => &["confirm"],
        Kind::Move => &["to"],
        Kind::RotateCredentials => &[],
    }
}

/// A name in the folder of archives, or an absolute path.
fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    let plain = path.components().all(|c| matches!(c, Component::Normal(_)))
        && path.components().count() == 1
        && !name.starts_with('.');
    !name.is_empty() && name.len() <= 1_000 && !name.contains('\0') && (path.is_absolute() || plain)
}

/// Whether a database server can have this name.
fn is_server(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn check(new: &NewOperation) -> Result<()> {
    let mut check = Check::new();
    let empty = serde_json::Map::new();
    let parameters = match &new.parameters {
        Json::Object(parameters) => parameters,
        Json::Null => &empty,
        _ => return Err(Error::invalid("parameters", "object", "must be an object")),
    };
    let known = taken(new.kind);
    for (name, value) in parameters {
        let right = match name.as_str() {
            _ if !known.contains(&name.as_str()) => {
                let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                check.fail(
                    name,
                    "known",
                    format!("is no parameter of {}; it takes {list}", new.kind),
                );
                continue;
            }
            "replace" | "store" => value.is_boolean(),
            "keep" => value.as_i64().is_some_and(|number| (1..=10_000).contains(&number)),
            "keep_days" => value.as_i64().is_some_and(|days| (0..=36_500).contains(&days)),
            // What is read may be in the store of files; what is made is named there by its id.
            "archive" if matches!(new.kind, Kind::Restore | Kind::Verify | Kind::Import) => {
                value.as_str().is_some_and(|name| is_file(name) || parse_stored(name).is_some())
            }
            "grace_days" => value.as_i64().is_some_and(|days| (0..=3_650).contains(&days)),
            "archive" => value.as_str().is_some_and(is_file),
            "to" => value.as_str().is_some_and(is_server),
            _ => value.is_string(),
        };
        if !right {
            let message = match name.as_str() {
                "replace" | "store" => "must be true or false",
                "keep" => "must be 1 to 10000",
                "keep_days" => "must be 0 to 36500",
                "grace_days" => "must be 0 to 3650",
                "archive" => "must be a file's name in the folder of archives, or an absolute path",
                "to" => "must be 1 to 40 letters of a-z and A-Z, digits and -",
                _ => "must be text",
            };
            check.fail(name, "form", message);
        }
    }
    if known.contains(&"confirm")
        && parameters.get("confirm").and_then(Json::as_str) != Some(new.slug.as_str())
    {
        check.fail("confirm", "confirm", "must be the tenant's slug once more");
    }
    let stores = parameters.get("store") == Some(&Json::Bool(true));
    if stores && parameters.contains_key("archive") {
        check.fail(
            "archive",
            "absent",
            "must not be given: an archive in the store is named by its id",
        );
    }
    for name in ["keep", "keep_days"] {
        if !stores && known.contains(&name) && parameters.contains_key(name) {
            check.fail(name, "store", "is for archives in the store of files: ask with store");
        }
    }
    for (kind, name) in
        [(Kind::Import, "archive"), (Kind::Verify, "archive"), (Kind::Clone, "source")]
    {
        if new.kind == kind && !parameters.contains_key(name) {
            check.fail(name, "required", "is needed");
        }
    }
    check.done()
}

impl FleetOperations {
    pub(super) async fn check_and_note(&self, new: NewOperation) -> Result<Operation> {
        check(&new)?;
        let now = self.clock.now();
        let found = self.fleet.find_by_slug(&new.slug).await?;
        let mut parameters = new.parameters.clone();
        if parameters.is_null() {
            parameters = json!({});
        }
        let id = new.key.as_deref().map_or_else(|| self.ids.id(now), |key| of_key(&new.slug, key));
        if new.key.is_some()
            && let Some(before) = self.fleet.book().find_operation(id).await?
        {
            return repeated(before, &new);
        }
        let tenant = match (new.kind, &found) {
            (Kind::Clone | Kind::Import, Some(_)) => {
                return Err(Error::Taken { resource: "tenant".into(), field: "slug".into() });
            }
            (Kind::Clone | Kind::Import, None) => TenantId::from_uuid(self.ids.id(now)),
            (Kind::Restore, _) => self.restored(&new, found.as_deref()).await?,
            (Kind::Verify, _) => self.to_be_proven(&new, found.as_deref()).await?,
            (_, Some(tenant)) => tenant.id,
            (_, None) => return Err(Error::not_found("tenant")),
        };
        match new.kind {
            Kind::Clone => {
                let source = text(&parameters, "source").unwrap_or_default();
                let source: Slug = source.parse().map_err(|_| {
                    Error::invalid("source", "slug", "must be the slug of a tenant")
                })?;
                let source = self.fleet.find_by_slug(&source).await?;
                let source =
                    source.ok_or_else(|| Error::invalid("source", "exists", "is no tenant"))?;
                in_service(&source)?;
            }
            Kind::Backup | Kind::Export | Kind::Archive => {
                if let Some(tenant) = &found {
                    in_service(tenant)?;
                }
            }
            Kind::RotateCredentials => {
                if let Some(tenant) = found.as_deref().filter(|t| t.state != TenantState::Deleting)
                {
                    in_service(tenant)?;
                }
            }
            Kind::Move => {
                if let Some(tenant) = &found {
                    // One that is to be removed can still be had back: it is moved like others.
                    if tenant.state != TenantState::Deleting {
                        in_service(tenant)?;
                    }
                    self.check_server(tenant, text(&parameters, "to")).await?;
                }
            }
            Kind::Delete => {
                let tenant = found.as_deref();
                if let Some(tenant) = tenant.filter(|t| t.state != TenantState::Archived) {
                    in_service(tenant)?;
                }
                let days =
                    parameters.get("grace_days").and_then(Json::as_i64).unwrap_or(GRACE_DAYS);
                parameters["grace_days"] = json!(days);
            }
            Kind::Purge => {
                if let Some(tenant) = &found {
                    self.may_be_purged(tenant).await?;
                }
            }
            Kind::Restore | Kind::Verify | Kind::Import => {}
        }
        if matches!(new.kind, Kind::Backup | Kind::Export | Kind::Archive)
            && parameters.get("store") == Some(&Json::Bool(true))
        {
            self.store()?;
            parameters["archive"] = json!(stored_name(tenant, id));
        } else if matches!(new.kind, Kind::Backup | Kind::Export | Kind::Archive)
            && parameters.get("archive").is_none()
        {
            let at = now.format("%Y%m%dT%H%M%SZ");
            let tail = id.simple().to_string();
            parameters["archive"] = json!(format!("{}-{at}-{}.vivero", new.slug, &tail[24..]));
        }
        let operation = Operation {
            id,
            tenant,
            slug: new.slug,
            kind: new.kind,
            parameters,
            state: OperationState::Queued,
            step: String::new(),
            result: json!({}),
            done: 0,
            total: 0,
            message: None,
            token: 0,
            created_at: now,
            changed_at: now,
        };
        self.fleet.book().add_operation(&operation).await?;
        Ok(operation)
    }

    /// Whether a tenant can be moved to a database server.
    async fn check_server(&self, tenant: &Tenant, to: Option<&str>) -> Result<()> {
        let Some(to) = to else { return Ok(()) };
        let wrong = |rule: &str, message: String| Err(Error::invalid("to", rule, message));
        let servers = self.fleet.servers().await?;
        let Some(server) = servers.iter().find(|s| s.name == to) else {
            let names: Vec<&str> = servers.iter().map(|s| s.name.as_str()).collect();
            return wrong(
                "exists",
                format!("must be one of the database servers: {}", names.join(", ")),
            );
        };
        if self.fleet.server_of(tenant).await? == to {
            return wrong("another", format!("is where tenant {} is already", tenant.slug));
        }
        if let Some(kept) = server.kept.iter().find(|kept| kept.tenant == tenant.id) {
            let message = format!(
                "keeps {} of tenant {}, which may hold what is nowhere else; look at it and remove it first \
                 (`vivero server remove-kept {to} {}`)",
                kept.database, tenant.slug, kept.database
            );
            return wrong("kept", message);
        }
        if server.state != ServerState::Open {
            let message = format!(
                "is {}: open it first (`vivero server set {to} --state open`)",
                server.state
            );
            return wrong("open", message);
        }
        match server.capacity {
            Some(most) if server.tenants >= most => wrong(
                "room",
                format!("has {} tenants, as many as it may; raise its capacity", server.tenants),
            ),
            _ => Ok(()),
        }
    }

    /// Whose archive is to be proven: the tenant's own, if there is one of that name.
    async fn to_be_proven(&self, new: &NewOperation, found: Option<&Tenant>) -> Result<TenantId> {
        let place = self.place(text(&new.parameters, "archive").unwrap_or_default())?;
        let reader = crate::archive::ArchiveReader::open(place, self.key.as_ref()).await?;
        let header = reader.header();
        let (id, slug) = (header.tenant_id(), &header.tenant.slug);
        match found {
            _ if id == NOBODY => Err(Error::invalid("archive", "tenant", "is of nobody")),
            Some(tenant) if tenant.id != id => {
                Err(Error::invalid("archive", "tenant", format!("is of tenant {slug}")))
            }
            None if slug != new.slug.as_str() => {
                Err(Error::invalid("archive", "tenant", format!("is of tenant {slug}")))
            }
            _ => Ok(id),
        }
    }

    /// Whose archive is to be restored: the tenant's own, and no other's.
    async fn restored(&self, new: &NewOperation, found: Option<&Tenant>) -> Result<TenantId> {
        let named = text(&new.parameters, "archive").map(ToOwned::to_owned);
        let kept = match found {
            Some(tenant) => self.fleet.book().marks(tenant.id).await?.archive,
            None => None,
        };
        let name =
            named.or(kept).ok_or_else(|| Error::invalid("archive", "required", "is needed"))?;
        let place = self.place(&name)?;
        let reader = crate::archive::ArchiveReader::open(place, self.key.as_ref()).await?;
        let id = reader.header().tenant_id();
        if id == NOBODY {
            return Err(Error::invalid("archive", "tenant", "is of nobody"));
        }
        match found {
            Some(tenant) if tenant.id != id => Err(Error::invalid(
                "archive",
                "tenant",
                format!(
                    "is of tenant {}, not of {}: import it under a name of its own",
                    reader.header().tenant.slug,
                    new.slug
                ),
            )),
            Some(tenant)
                if !matches!(tenant.state, TenantState::Archived | TenantState::Deleting)
                    && new.parameters.get("replace") != Some(&Json::Bool(true)) =>
            {
                let message = "the tenant is in service: what was done since the archive was made would be \
                     gone; make a backup and ask with replace, or import it under another name";
                Err(illegal("tenant_in_service", message))
            }
            Some(tenant) => Ok(tenant.id),
            None => match self.fleet.find(id).await? {
                Some(other) => Err(Error::invalid(
                    "archive",
                    "tenant",
                    format!("is of a tenant that is there as {}", other.slug),
                )),
                None => Ok(id),
            },
        }
    }

    /// Whether the grace of a tenant that is to be removed is over, and nothing of it is kept.
    pub(super) async fn may_be_purged(&self, tenant: &Tenant) -> Result<()> {
        // Nobody would know of it any more, and it is to be gone as well.
        if let Some(kept) = self.fleet.kept(Some(tenant.id)).await?.first() {
            let (server, database) = (&kept.server, &kept.database);
            let message = format!(
                "database server {server} keeps {database} of tenant {}: remove it first (`vivero server remove-kept \
                 {server} {database}`), or the server, if it is lost for good (`vivero server remove {server} --lost`)",
                tenant.slug
            );
            return Err(illegal("database_kept", message));
        }
        let marks = self.fleet.book().marks(tenant.id).await?;
        match (tenant.state, marks.delete_after) {
            // A removal that was cut off.
            (TenantState::Closed, _) => Ok(()),
            (TenantState::Deleting, Some(after)) if after <= self.clock.now() => Ok(()),
            (TenantState::Deleting, after) => {
                let until = after.map(|a| format!(" until {a}")).unwrap_or_default();
                let message = format!("tenant {} can still be had back{until}", tenant.slug);
                Err(illegal("grace_not_over", message))
            }
            _ => Err(illegal(
                "not_marked",
                format!("tenant {} is not marked for removal", tenant.slug),
            )),
        }
    }
}

/// The id that a key stands for: asking again finds what was asked before.
fn of_key(slug: &Slug, key: &str) -> Uuid {
    let hash = Sha256::digest(format!("{slug}\0{key}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What was asked before, if it was the same.
fn repeated(before: Operation, new: &NewOperation) -> Result<Operation> {
    let same = |(name, value): (&String, &Json)| before.parameters.get(name) == Some(value);
    let all = new.parameters.as_object().is_none_or(|asked| asked.iter().all(same));
    if before.kind == new.kind && all { Ok(before) } else { Err(Error::IdempotencyMismatch) }
}

/// Whether a tenant has a database that people may work with.
fn in_service(tenant: &Tenant) -> Result<()> {
    match tenant.state {
        TenantState::Active | TenantState::Suspended => Ok(()),
        state => Err(illegal("tenant_state", format!("tenant {} is {state}", tenant.slug))),
    }
}
