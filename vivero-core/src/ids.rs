//! Every identifier of the system, from one registry.
//!
//! Ids are UUIDv7 (RFC 9562), so their order is about the order of creation. Each kind is a type of
//! its own: a `LocationId` cannot be passed where an `EntityId` is meant.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID that is known to name this kind of thing.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            /// The id as a plain UUID.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }
        impl crate::record::Field for $name {
            const KIND: crate::record::Kind = crate::record::Kind::Id;
            fn into_value(self) -> crate::Value {
                crate::Value::Id(self.0)
            }
            fn from_value(value: crate::Value) -> Option<Self> {
                match value {
                    crate::Value::Id(id) => Some(Self(id)),
                    _ => None,
                }
            }
        }
    )*};
}

ids! {
    /// A tenant: one customer with a database of its own.
    TenantId;
    /// A person (or service account) inside one tenant.
    UserId;
    /// A named set of permissions inside one tenant.
    RoleId;
    /// A sign-in of one user on one device.
    SessionId;
    /// A place where stock stands: site, greenhouse, bed …
    LocationId;
    /// A tracked lot of living stock.
    EntityId;
    /// A stored file.
    FileId;
}

/// The id of a record of type `R`, for record types that have no named id of their own.
///
/// The nil id means "not stored yet"; `create` replaces it by a fresh one.
pub struct RecordId<R>(Uuid, PhantomData<fn() -> R>);

impl<R> RecordId<R> {
    /// An id to be replaced when the record is created.
    #[must_use]
    pub const fn unset() -> Self {
        Self(Uuid::nil(), PhantomData)
    }
    /// Wraps a UUID that is known to name a record of this type.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }
    /// The id as a plain UUID.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}
impl<R> Clone for RecordId<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for RecordId<R> {}
impl<R> Default for RecordId<R> {
    fn default() -> Self {
        Self::unset()
    }
}
impl<R> PartialEq for RecordId<R> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<R> Eq for RecordId<R> {}
impl<R> std::hash::Hash for RecordId<R> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<R> fmt::Debug for RecordId<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordId({})", self.0)
    }
}
impl<R> fmt::Display for RecordId<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<R> From<RecordId<R>> for Uuid {
    fn from(id: RecordId<R>) -> Self {
        id.0
    }
}

/// The actor id written for changes that no person made: provisioning, jobs, imports.
pub const SYSTEM_ACTOR: Uuid = Uuid::nil();
