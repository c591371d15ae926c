//! The document held against the declarations of the core. A server with a difference does not start.

use crate::StartupError;
use crate::access::{PLATFORM_KEY, TENANT_TOKEN};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use vivero_core::operation::{OPERATIONS, Requires, find};

/// Operations of a tenant for those who have yet to sign in.
const ENTRANCES: &[&str] = &["auth_login", "auth_refresh", "auth_accept_invitation"];

pub(super) fn check(document: &Json) -> Result<(), StartupError> {
    let mut seen = BTreeSet::new();
    for (path, method, operation) in operations(document) {
        let route = format!("{method} {path}");
        let id = operation["operationId"].as_str().unwrap_or_default();
        let Some(declared) = find(id) else {
            return Err(StartupError::new(format!(
                "{route} is operation {id:?}, which is not declared"
            )));
        };
        if !seen.insert(id.to_owned()) {
            return Err(StartupError::new(format!("operation {id} has two routes")));
        }
        let wanted = match declared.requires {
            Requires::Permission(permission) if !permission.contains('.') => {
                return Err(StartupError::new(format!("operation {id} declares no permission")));
            }
            Requires::Permission(_) | Requires::SignIn => Some(TENANT_TOKEN),
            Requires::PlatformKey => Some(PLATFORM_KEY),
            Requires::Nothing => None,
        };
        if scheme(operation) != wanted {
            return Err(StartupError::new(format!(
                "{route} ({id}) does not ask for the declared credential"
            )));
        }
        let open = wanted != Some(TENANT_TOKEN);
        if path.starts_with("/api/v1/{tenant}") && open && !ENTRANCES.contains(&id) {
            return Err(StartupError::new(format!(
                "{route} ({id}) reaches a tenant without a permission"
            )));
        }
    }
    match OPERATIONS.iter().find(|o| !seen.contains(o.id)) {
        Some(missing) => Err(StartupError::new(format!("operation {} has no route", missing.id))),
        None => Ok(()),
    }
}

/// Every operation with its path and method.
pub(super) fn operations(document: &Json) -> impl Iterator<Item = (&str, &str, &Json)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn scheme(operation: &Json) -> Option<&str> {
    let first = operation["security"].as_array()?.first()?;
    first.as_object()?.keys().next().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Json {
        crate::openapi::completed().expect("document")
    }

    #[test]
    fn the_document_has_exactly_the_declared_operations() {
        check(&document()).expect("the document is in order");
    }

    #[test]
    fn a_difference_is_named() {
        let login = "/api/v1/{tenant}/auth/login";
        let mut renamed = document();
        renamed["paths"][login]["post"]["operationId"] = "auth_enter".into();
        assert!(check(&renamed).expect_err("undeclared").to_string().contains("auth_enter"));

        let mut missing = document();
        missing["paths"].as_object_mut().expect("paths").remove(login);
        assert!(check(&missing).expect_err("missing").to_string().contains("auth_login"));

        let mut open = document();
        open["paths"]["/api/v1/{tenant}/dashboard"]["get"]["security"] = Json::Null;
        assert!(check(&open).expect_err("open").to_string().contains("dashboard_get"));
    }
}
