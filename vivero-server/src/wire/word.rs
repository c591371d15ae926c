//! Words: the values of core's text enums, each described once under its own name.

use super::schema::describe;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::str::FromStr;
use vivero_core::drain::DrainState;
use vivero_core::entity::{EntityType, Grade, Stage, Status, Unit};
use vivero_core::files::FileState;
use vivero_core::location::LocationKind;
use vivero_core::migration::RunState;
use vivero_core::operations::{OperationKind, OperationState};
use vivero_core::server::{ServerState, TlsMode};
use vivero_core::tenant::{OperationType, TenantState};
use vivero_core::user::UserStatus;

/// A text enum of the core.
pub(crate) trait Words:
    Copy + Debug + Serialize + DeserializeOwned + FromStr<Err = String> + Send + Sync + 'static
{
    /// Name of the schema.
    const NAME: &'static str;
    /// What it says.
    const TITLE: &'static str;
    /// Every value.
    const WORDS: &'static [&'static str];
}

macro_rules! words {
    ($($ty:ty: $title:literal;)*) => {$(
        impl Words for $ty {
            const NAME: &'static str = stringify!($ty);
            const TITLE: &'static str = $title;
            const WORDS: &'static [&'static str] = <$ty>::NAMES;
        }
    )*};
}
words! {
    EntityType: "What kind of stock an entity is.";
    Status: "Where an entity is in its life.";
    Stage: "How far stock has grown.";
    Unit: "What one of an entity's quantity is.";
    Grade: "Quality as graded for sale.";
    FileState: "Whether a file's content is there.";
    LocationKind: "What kind of place a location is.";
    UserStatus: "Whether a person may sign in.";
    OperationType: "What an organisation grows.";
    OperationKind: "What is done to a tenant.";
    OperationState: "How far an operation is.";
    RunState: "How a run of migrations stands.";
    TenantState: "What is recorded of a tenant's life.";
    ServerState: "What a database server is used for.";
    DrainState: "How emptying a database server stands.";
    TlsMode: "How connections to a database server are protected.";
}

/// One value of a text enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Word<T>(pub(crate) T);

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        T::deserialize(d).map(Self)
    }
}

impl<T: Words> Word<T> {
    /// Reference to the schema.
    pub(crate) fn reference() -> MetaSchemaRef {
        MetaSchemaRef::Reference(T::NAME.into())
    }
    /// Adds the schema.
    pub(crate) fn add(registry: &mut Registry) {
        registry.create_schema::<Self, _>(T::NAME.into(), |_| MetaSchema {
            description: Some(T::TITLE),
            enum_items: T::WORDS.iter().map(|w| (*w).into()).collect(),
            ..MetaSchema::new("string")
        });
    }
}

describe!([T: Words] Word<T>, true, Word<T>, T::NAME.into(), Self::reference(), Self::add, |v| Some(v));
