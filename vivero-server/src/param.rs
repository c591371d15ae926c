//! Parameters of path, query and headers. Each names itself when it does not fit.

mod header;
mod path;
mod query;

pub(crate) use header::{IdempotencyKey, IfMatch, IfNoneMatch, LastEventId, RequiredIfMatch, Text};
pub(crate) use path::{
    DatabaseParam, FIRST, Id, OperationId, RunId, ServerParam, SlugParam, slug_schema,
};
pub(crate) use query::{Limit, Position, Query, RequiredQuery, Search, Token, Version};

/// Implements poem-openapi's extractor for a parameter.
macro_rules! parameter {
    ([$($g:tt)*] $ty:ty, $in:ident, required: $required:expr, schema: $schema:expr, register: $register:expr, read: $read:expr) => {
        impl<'a, $($g)*> poem_openapi::ApiExtractor<'a> for $ty {
            const TYPES: &'static [poem_openapi::ApiExtractorType] =
                &[poem_openapi::ApiExtractorType::Parameter];
            const PARAM_IS_REQUIRED: bool = $required;
            type ParamType = ();
            type ParamRawType = ();
            fn register(registry: &mut poem_openapi::registry::Registry) {
                let register: fn(&mut poem_openapi::registry::Registry) = $register;
                register(registry);
            }
            fn param_in() -> Option<poem_openapi::registry::MetaParamIn> {
                Some(poem_openapi::registry::MetaParamIn::$in)
            }
            fn param_schema_ref() -> Option<poem_openapi::registry::MetaSchemaRef> {
                Some($schema)
            }
            async fn from_request(
                request: &'a poem::Request,
                _body: &mut poem::RequestBody,
                options: poem_openapi::ExtractParamOptions<()>,
            ) -> poem::Result<Self> {
                let read: fn(&poem::Request, &'static str) -> Result<Self, crate::problem::Failure> = $read;
                Ok(read(request, options.name)?)
            }
        }
    };
}
pub(crate) use parameter;
