//! Signing up.

use super::Topic;
use crate::access::Guest;
use crate::param::IdempotencyKey;
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Answer, Created, etag, json_bytes, to_bytes};
use crate::wire::tenant::{TenantOut, TrialIn, TrialOut};
use poem::http::{HeaderValue, StatusCode, header};
use poem_openapi::OpenApi;
use vivero_core::Password;

pub(crate) struct Trials;

#[OpenApi(tag = "Topic::Trials")]
impl Trials {
    /// Start a trial
    ///
    /// Makes a tenant with a database of its own and signs its first person in. With an
    /// `Idempotency-Key`, asking again gives the same tenant and fresh tokens.
    #[oai(path = "/api/v1/trials", method = "post", operation_id = "trial_create")]
    async fn create(
        &self,
        guest: Guest,
        #[oai(name = "Idempotency-Key")] key: IdempotencyKey,
        body: Body<TrialIn>,
    ) -> Answer<Created<TrialOut>> {
        let password = Password::new(&body.value.email, body.value.password.clone());
        let tenant = guest.vivero().tenants().provision(body.value.tenant(None, key.0)).await?;
        let slug = tenant.slug.as_str();
        let context = guest.scope().context();
        let signed_in =
            guest.vivero().log_in(slug, password, guest.user_agent.clone(), context).await?;
        let answer = TrialOut { tenant: TenantOut::from(&tenant), tokens: signed_in.tokens.into() };
        let mut response = json_bytes(StatusCode::CREATED, to_bytes(&answer, 1024)?);
        let location =
            HeaderValue::try_from(format!("/api/v1/{slug}/me")).map_err(Failure::internal)?;
        response.headers_mut().insert(header::LOCATION, location);
        response.headers_mut().insert(header::ETAG, etag(tenant.version));
        Ok(Created::from_response(response))
    }
}
