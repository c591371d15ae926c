//! Every operation of the system with what it requires: declared once, here. Services check it, the
//! OpenAPI document shows it, the permission matrix is printed from it, and a server refuses to start
//! with a route that is not in it.

use crate::permission::{Grant, PermissionSet, Scope};
use crate::user::BuiltInRole;
use std::fmt::Write as _;

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requires {
    /// Anyone; it shows nothing of any tenant.
    Nothing,
    /// Whoever is signed in to the tenant, about themselves.
    SignIn,
    /// Whoever holds this permission in the tenant.
    Permission(&'static str),
    /// An operator of the installation.
    PlatformKey,
}

/// One operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    /// Operation id in the OpenAPI document.
    pub id: &'static str,
    /// Who may call it.
    pub requires: Requires,
}

macro_rules! operations {
    ($($id:ident: $requires:expr;)*) => {
        /// All operations, sorted by topic.
        pub const OPERATIONS: &[Operation] = &[$(Operation { id: stringify!($id), requires: $requires }),*];
    };
}

use Requires::{Nothing, Permission, PlatformKey, SignIn};
operations! {
    health_live: Nothing;
    health_ready: Nothing;
    metrics_get: PlatformKey;
    trial_create: Nothing;
    auth_login: Nothing;
    auth_refresh: Nothing;
    auth_accept_invitation: Nothing;
    auth_logout: SignIn;
    me_get: SignIn;
    me_password: SignIn;
    me_session_list: SignIn;
    me_session_end: SignIn;
    entity_list: Permission("entity.read");
    entity_get: Permission("entity.read");
    entity_history: Permission("entity.read");
    entity_create: Permission("entity.create");
    entity_update: Permission("entity.update");
    entity_transition: Permission("entity.transition");
    entity_move: Permission("entity.move");
    entity_delete: Permission("entity.delete");
    entity_recover: Permission("entity.recover");
    location_list: Permission("location.read");
    location_get: Permission("location.read");
    location_history: Permission("location.read");
    location_create: Permission("location.create");
    location_update: Permission("location.update");
    location_delete: Permission("location.delete");
    location_recover: Permission("location.recover");
    file_list: Permission("file.read");
    file_get: Permission("file.read");
    file_content: Permission("file.read");
    file_history: Permission("file.read");
    file_link: Permission("file.read");
    file_create: Permission("file.create");
    file_update: Permission("file.update");
    file_delete: Permission("file.delete");
    file_recover: Permission("file.recover");
    user_list: Permission("user.read");
    user_get: Permission("user.read");
    user_history: Permission("user.read");
    user_create: Permission("user.create");
    user_update: Permission("user.update");
    user_delete: Permission("user.delete");
    user_recover: Permission("user.recover");
    role_list: Permission("role.read");
    role_get: Permission("role.read");
    role_create: Permission("role.create");
    role_update: Permission("role.update");
    role_delete: Permission("role.delete");
    dashboard_get: Permission("dashboard.read");
    event_stream: Permission("event.read");
    audit_list: Permission("audit.read");
    audit_verify: Permission("audit.verify");
    platform_tenant_list: PlatformKey;
    platform_tenant_get: PlatformKey;
    platform_tenant_create: PlatformKey;
    platform_tenant_suspend: PlatformKey;
    platform_tenant_resume: PlatformKey;
    platform_tenant_activate: PlatformKey;
    platform_tenant_history: PlatformKey;
    platform_tenant_verify: PlatformKey;
    platform_archive_list: PlatformKey;
    platform_operation_start: PlatformKey;
    platform_operation_list: PlatformKey;
    platform_operation_all: PlatformKey;
    platform_operation_get: PlatformKey;
    platform_operation_resume: PlatformKey;
    platform_operation_end: PlatformKey;
    platform_server_list: PlatformKey;
    platform_server_get: PlatformKey;
    platform_server_create: PlatformKey;
    platform_server_update: PlatformKey;
    platform_server_remove: PlatformKey;
    platform_kept_remove: PlatformKey;
    platform_server_drain: PlatformKey;
    platform_doctor: PlatformKey;
    platform_server_drain_get: PlatformKey;
    platform_migration_list: PlatformKey;
    platform_migration_start: PlatformKey;
    platform_migration_get: PlatformKey;
    platform_migration_retry: PlatformKey;
    platform_tenant_usage: PlatformKey;
    platform_stats: PlatformKey;
}

/// The operation with that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|o| o.id == id)
}

/// The table role × operation, as text: `all`, `location`, `own` or `-`.
#[must_use]
pub fn matrix(roles: &[BuiltInRole]) -> String {
    let sets: Vec<_> = roles.iter().map(|r| PermissionSet::new(r.grants)).collect();
    let mut text = format!("{:<26}{:<22}", "operation", "permission");
    for role in roles {
        let _ = write!(text, "{:<10}", role.name);
    }
    text = text.trim_end().to_owned() + "\n";
    for operation in OPERATIONS {
        let mut line = String::new();
        let _ = write!(line, "{:<26}", operation.id);
        match operation.requires {
            Permission(permission) => {
                let _ = write!(line, "{permission:<22}");
                for set in &sets {
                    let reach =
                        [Scope::All, Scope::Location, Scope::Own].into_iter().find(|scope| {
                            permission_grant(permission, *scope).is_some_and(|g| set.covers(&g))
                        });
                    let _ = write!(line, "{:<10}", reach.map_or("-", Scope::as_str));
                }
            }
            Nothing => line.push_str("(anyone)"),
            SignIn => line.push_str("(signed in)"),
            PlatformKey => line.push_str("(platform key)"),
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn permission_grant(permission: &str, scope: Scope) -> Option<Grant> {
    format!("{permission}@{}", scope.as_str()).parse().ok()
}
