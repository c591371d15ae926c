//! Lets a type that serde reads and writes take part in the OpenAPI document.

use poem_openapi::registry::{MetaSchema, MetaSchemaRef};

/// Implements poem-openapi's traits for a serde type: `$schema` describes it, `$register` adds what
/// the description refers to.
macro_rules! describe {
    ([$($g:tt)*] $ty:ty, $required:expr, $raw:ty, $name:expr, $schema:expr, $register:expr, $value:expr) => {
        impl<$($g)*> poem_openapi::types::Type for $ty {
            const IS_REQUIRED: bool = $required;
            type RawValueType = $raw;
            type RawElementValueType = $raw;
            fn name() -> std::borrow::Cow<'static, str> {
                $name
            }
            fn schema_ref() -> poem_openapi::registry::MetaSchemaRef {
                $schema
            }
            fn register(registry: &mut poem_openapi::registry::Registry) {
                let register: fn(&mut poem_openapi::registry::Registry) = $register;
                register(registry);
            }
            fn as_raw_value(&self) -> Option<&Self::RawValueType> {
                let value: fn(&Self) -> Option<&$raw> = $value;
                value(self)
            }
            fn raw_element_iter<'a>(
                &'a self,
            ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
                Box::new(self.as_raw_value().into_iter())
            }
        }
        impl<$($g)*> poem_openapi::types::ParseFromJSON for $ty {
            fn parse_from_json(
                value: Option<serde_json::Value>,
            ) -> poem_openapi::types::ParseResult<Self> {
                serde_json::from_value(value.unwrap_or_default())
                    .map_err(poem_openapi::types::ParseError::custom)
            }
        }
        impl<$($g)*> poem_openapi::types::ToJSON for $ty {
            fn to_json(&self) -> Option<serde_json::Value> {
                serde_json::to_value(self).ok()
            }
        }
    };
}
pub(crate) use describe;

/// A schema written where it is used.
pub(crate) fn inline(schema: MetaSchema) -> MetaSchemaRef {
    MetaSchemaRef::Inline(Box::new(schema))
}
