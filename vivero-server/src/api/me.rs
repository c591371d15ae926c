//! The signed-in person.

use super::Topic;
use crate::access::Access;
use crate::param::Id;
use crate::payload::Body;
use crate::problem::Failure;
use crate::reply::{Answer, Done, Shown};
use crate::wire::auth::PasswordIn;
use crate::wire::me::{MeOut, SessionList, SessionOut};
use crate::wire::tenant::TenantOut;
use poem_openapi::OpenApi;
use vivero_core::SessionId;
use vivero_core::tenant::Standing;

pub(crate) struct Me;

#[OpenApi(tag = "Topic::Me")]
impl Me {
    /// Who am I
    #[oai(path = "/api/v1/:tenant/me", method = "get", operation_id = "me_get")]
    async fn get(&self, tenant: Access) -> Answer<Shown<MeOut>> {
        let (Some(user), Some(session)) = (tenant.user(), tenant.session_id()) else {
            return Err(Failure::unauthenticated("session"));
        };
        let standing = match tenant.tenant().standing(tenant.now()) {
            Standing::Full => "full",
            Standing::ReadOnly => "read_only",
            Standing::Blocked(standing) => standing,
        };
        Shown::new(&MeOut {
            user: user.clone().into(),
            role_names: tenant.role_names().to_vec(),
            grants: tenant.grants().iter().map(ToString::to_string).collect(),
            tenant: TenantOut::from(tenant.tenant()),
            standing: standing.into(),
            session_id: session.uuid(),
        })
    }

    /// Change my password
    ///
    /// The person's other sign-ins end.
    #[oai(path = "/api/v1/:tenant/me/password", method = "put", operation_id = "me_password")]
    async fn password(&self, tenant: Access, body: Body<PasswordIn>) -> Answer<Done> {
        tenant.change_password(&body.value.old_password, &body.value.new_password).await?;
        Ok(Done)
    }

    /// List my sign-ins
    #[oai(path = "/api/v1/:tenant/me/sessions", method = "get", operation_id = "me_session_list")]
    async fn sessions(&self, tenant: Access) -> Answer<Shown<SessionList>> {
        let current = tenant.session_id();
        let sessions = tenant.my_sessions().await?.into_iter();
        Shown::new(&SessionList { items: sessions.map(|s| SessionOut::new(s, current)).collect() })
    }

    /// End one of my sign-ins
    #[oai(
        path = "/api/v1/:tenant/me/sessions/:id",
        method = "delete",
        operation_id = "me_session_end"
    )]
    async fn end_session(&self, tenant: Access, id: Id<SessionId>) -> Answer<Done> {
        tenant.end_session(id.0).await?;
        Ok(Done)
    }
}
