//! The doors: what an operation asks for before it looks at anything else of the request. Each handler
//! takes exactly one, first, so that a caller without a credential learns nothing about the rest.

use crate::param::FIRST;
use crate::problem::Failure;
use crate::query;
use crate::scope::Scope;
use crate::wire::schema::inline;
use poem::http::{Method, header};
use poem::{Request, RequestBody};
use poem_openapi::registry::{MetaParamIn, MetaSchemaRef, MetaSecurityScheme, Registry};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use std::ops::Deref;
use std::sync::Arc;
use vivero_core::{TenantSession, Vivero};

/// Name of the scheme for people of a tenant, in the document.
pub(crate) const TENANT_TOKEN: &str = "tenant_token";
/// Name of the scheme for operators, in the document.
pub(crate) const PLATFORM_KEY: &str = "platform_key";
/// Longest credential that is looked at.
const MAX_CREDENTIAL: usize = 2048;

/// The credential of `Authorization: Bearer …`.
fn bearer(request: &Request) -> Result<&str, Failure> {
    let mut values = request.headers().get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Failure::unauthenticated("no bearer token"));
    };
    let credential = value
        .to_str()
        .ok()
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, credential)| credential.trim_start_matches(' '))
        .filter(|c| {
            (1..=MAX_CREDENTIAL).contains(&c.len()) && c.bytes().all(|b| (0x21..0x7f).contains(&b))
        });
    credential.ok_or_else(|| Failure::unauthenticated("no bearer token"))
}

/// Once the caller is let in, what they ask has to be something the operation knows.
fn enter(request: &Request) -> Result<Arc<Scope>, Failure> {
    let scope = Scope::of(request)?;
    match &scope.query {
        Ok(pairs) if pairs.is_empty() => {}
        Ok(pairs) => query::check(pairs, &scope.operation.query)?,
        Err(broken) => return Err(Failure::field(&broken.field, &broken.rule, &broken.message)),
    }
    Ok(Arc::clone(scope))
}

/// The door of a tenant: the slug of the path and the token must agree.
pub(crate) struct Access(TenantSession, Arc<Scope>);

impl Access {
    /// The request.
    pub(crate) fn scope(&self) -> &Scope {
        &self.1
    }
    /// The session.
    pub(crate) fn into_session(self) -> TenantSession {
        self.0
    }
}

impl Deref for Access {
    type Target = TenantSession;
    fn deref(&self) -> &TenantSession {
        &self.0
    }
}

fn slug_ref() -> MetaSchemaRef {
    inline(crate::param::slug_schema())
}

fn scheme(description: &'static str, format: Option<&'static str>) -> MetaSecurityScheme {
    MetaSecurityScheme {
        ty: "http",
        description: Some(description),
        name: None,
        key_in: None,
        scheme: Some("bearer"),
        bearer_format: format,
        flows: None,
        openid_connect_url: None,
    }
}

impl<'a> ApiExtractor<'a> for Access {
    const TYPES: &'static [ApiExtractorType] =
        &[ApiExtractorType::Parameter, ApiExtractorType::SecurityScheme];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let text = "The access token of a sign-in to the tenant in the path";
        registry.create_security_scheme(TENANT_TOKEN, scheme(text, Some("JWT")));
    }
    fn security_schemes() -> Vec<&'static str> {
        vec![TENANT_TOKEN]
    }
    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }
    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(slug_ref())
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let scope = Scope::of(request)?;
        let token = bearer(request)?;
        let slug = request.raw_path_param(FIRST).unwrap_or_default();
        let mut session = scope.state.vivero.resume(slug, token).await.map_err(Failure::from)?;
        let tenant = session.tenant();
        let _ = scope.tenant.set(scope.state.metrics.tenant(tenant.id, &tenant.slug));
        if request.method() != Method::GET {
            session = session.in_context(scope.context());
        }
        Ok(Self(session, enter(request)?))
    }
}

/// The door of a tenant for those who have yet to sign in.
pub(crate) struct Entrance {
    /// The path's slug, as it came.
    pub(crate) slug: String,
    /// The program that calls, as it names itself.
    pub(crate) user_agent: Option<String>,
    scope: Arc<Scope>,
}

impl Entrance {
    /// The request.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }
    /// The installation.
    pub(crate) fn vivero(&self) -> &Vivero {
        &self.scope.state.vivero
    }
}

impl<'a> ApiExtractor<'a> for Entrance {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::Parameter];
    const PARAM_IS_REQUIRED: bool = true;
    type ParamType = ();
    type ParamRawType = ();

    fn param_in() -> Option<MetaParamIn> {
        Some(MetaParamIn::Path)
    }
    fn param_schema_ref() -> Option<MetaSchemaRef> {
        Some(slug_ref())
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let slug = request.raw_path_param(FIRST).unwrap_or_default().to_owned();
        Ok(Self { slug, user_agent: user_agent(request), scope: enter(request)? })
    }
}

/// The door for operators of the installation.
pub(crate) struct Operator(Arc<Scope>);

impl Operator {
    /// The request.
    pub(crate) fn scope(&self) -> &Scope {
        &self.0
    }
    /// The installation.
    pub(crate) fn vivero(&self) -> &Vivero {
        &self.0.state.vivero
    }
}

impl<'a> ApiExtractor<'a> for Operator {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::SecurityScheme];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        let text = "The key of the operators of the installation";
        registry.create_security_scheme(PLATFORM_KEY, scheme(text, None));
    }
    fn security_schemes() -> Vec<&'static str> {
        vec![PLATFORM_KEY]
    }

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let scope = Scope::of(request)?;
        if !scope.state.is_platform_key(bearer(request)?) {
            return Err(Failure::unauthenticated("platform key").into());
        }
        Ok(Self(enter(request)?))
    }
}

/// The door that is open to anyone.
pub(crate) struct Guest {
    /// The program that calls, as it names itself.
    pub(crate) user_agent: Option<String>,
    scope: Arc<Scope>,
}

impl Guest {
    /// The request.
    pub(crate) fn scope(&self) -> &Scope {
        &self.scope
    }
    /// The installation.
    pub(crate) fn vivero(&self) -> &Vivero {
        &self.scope.state.vivero
    }
}

fn user_agent(request: &Request) -> Option<String> {
    Some(request.headers().get(header::USER_AGENT)?.to_str().ok()?.chars().take(200).collect())
}

impl<'a> ApiExtractor<'a> for Guest {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::PoemExtractor];
    type ParamType = ();
    type ParamRawType = ();

    async fn from_request(
        request: &'a Request,
        _: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        Ok(Self { user_agent: user_agent(request), scope: enter(request)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(value: &str) -> Request {
        Request::builder().header("Authorization", value).finish()
    }

    #[test]
    fn only_one_plain_bearer_token_is_a_credential() {
        assert_eq!(bearer(&with("Bearer abc.def")).expect("token"), "abc.def");
        assert_eq!(bearer(&with("bearer abc")).expect("token"), "abc");
        let long = format!("Bearer {}", "a".repeat(MAX_CREDENTIAL + 1));
        for bad in
            ["", "Bearer", "Bearer ", "Basic YTpi", "abc", "Bearer a b", "Bearer a\tb", &long]
        {
            assert_eq!(
                bearer(&with(bad)).map_err(|e| poem::error::ResponseError::status(&e).as_u16()),
                Err(401),
                "{bad:?}"
            );
        }
        let twice = Request::builder()
            .header("Authorization", "Bearer a")
            .header("Authorization", "Bearer a");
        assert!(bearer(&twice.finish()).is_err());
        assert!(bearer(&Request::default()).is_err());
    }
}
