//! Parameters of the path.

use super::parameter;
use crate::problem::Failure;
use crate::wire::schema::inline;
use poem::Request;
use poem_openapi::registry::MetaSchema;
use vivero_core::server::is_name;
use vivero_core::{EntityId, FileId, LocationId, RoleId, SessionId, Slug, UserId, Uuid};

/// Names poem-openapi gives to the first and second parameter of a path.
pub(crate) const FIRST: &str = "param0";
const SECOND: &str = "param1";

/// The id of a record, after the tenant in the path.
pub(crate) struct Id<T>(pub(crate) T);

/// Ids that stand in paths.
pub(crate) trait PathId: Send + Sized {
    /// The id of that UUID.
    fn from_uuid(uuid: Uuid) -> Self;
}
macro_rules! path_ids {
    ($($id:ident),*) => {$(
        impl PathId for $id {
            fn from_uuid(uuid: Uuid) -> Self {
                $id::from_uuid(uuid)
            }
        }
    )*};
}
path_ids!(EntityId, FileId, LocationId, RoleId, SessionId, UserId);

parameter!(
    [T: PathId] Id<T>, Path, required: true,
    schema: inline(MetaSchema::new_with_format("string", "uuid")), register: |_| (),
    read: |request, name| {
        let text = request.raw_path_param(SECOND).unwrap_or_default();
        // The hyphenated form only: one record has one address.
        let uuid = if text.len() == 36 { text.parse::<Uuid>().ok() } else { None };
        let uuid = uuid.ok_or_else(|| Failure::field(name, "uuid", "must be a UUID with hyphens"))?;
        Ok(Self(T::from_uuid(uuid)))
    }
);

/// Ids of what is no record, as the path's first parameter.
macro_rules! first_ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) Uuid);

        parameter!(
            [] $name, Path, required: true,
            schema: inline(MetaSchema::new_with_format("string", "uuid")), register: |_| (),
            read: |request: &Request, name| {
                let text = request.raw_path_param(FIRST).unwrap_or_default();
                let uuid = if text.len() == 36 { text.parse::<Uuid>().ok() } else { None };
                let uuid = uuid.map(Self);
                uuid.ok_or_else(|| Failure::field(name, "uuid", "must be a UUID with hyphens"))
            }
        );
    )*};
}
first_ids!(
    /// An operation on a tenant.
    OperationId,
    /// A run of migrations.
    RunId
);

/// Pattern of a slug, for the document.
pub(crate) fn slug_schema() -> MetaSchema {
    MetaSchema {
        pattern: Some("^[a-z0-9]+(-[a-z0-9]+)*$".into()),
        min_length: Some(3),
        max_length: Some(40),
        ..MetaSchema::new("string")
    }
}

/// The database server an operator means.
pub(crate) struct ServerParam(pub(crate) String);

parameter!(
    [] ServerParam, Path, required: true,
    schema: inline(MetaSchema {
        pattern: Some("^[A-Za-z0-9-]+$".into()),
        min_length: Some(1),
        max_length: Some(40),
        ..MetaSchema::new("string")
    }),
    register: |_| (),
    read: |request: &Request, name| {
        let text = request.raw_path_param(FIRST).unwrap_or_default();
        if !is_name(text) {
            return Err(Failure::field(name, "name", "must be 1 to 40 letters, digits and -"));
        }
        Ok(Self(text.to_owned()))
    }
);

/// A database that is kept on that server.
pub(crate) struct DatabaseParam(pub(crate) String);

parameter!(
    [] DatabaseParam, Path, required: true,
    schema: inline(MetaSchema {
        pattern: Some("^[a-z0-9]+$".into()),
        min_length: Some(1),
        max_length: Some(64),
        ..MetaSchema::new("string")
    }),
    register: |_| (),
    read: |request: &Request, name| {
        let text = request.raw_path_param(SECOND).unwrap_or_default();
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        if !(1..=64).contains(&text.len()) || !text.bytes().all(plain) {
            return Err(Failure::field(name, "name", "must be 1 to 64 lower-case letters and digits"));
        }
        Ok(Self(text.to_owned()))
    }
);

/// The tenant an operator means.
pub(crate) struct SlugParam(pub(crate) Slug);

parameter!(
    [] SlugParam, Path, required: true, schema: inline(slug_schema()), register: |_| (),
    read: |request: &Request, _| {
        let text = request.raw_path_param(FIRST).unwrap_or_default();
        Ok(Self(text.parse().map_err(Failure::from)?))
    }
);
