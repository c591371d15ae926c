//! The start page.

use super::Topic;
use crate::access::Access;
use crate::reply::{Answer, Shown, json_bytes, to_bytes};
use crate::wire::dashboard::DashboardOut;
use bytes::Bytes;
use poem::http::StatusCode;
use poem_openapi::OpenApi;
use std::sync::Arc;

pub(crate) struct Dashboard;

#[OpenApi(tag = "Topic::Dashboard")]
impl Dashboard {
    /// Figures of stock, places and people
    ///
    /// They stand at a position of the journal, a moment behind the last change at most.
    #[oai(path = "/api/v1/:tenant/dashboard", method = "get", operation_id = "dashboard_get")]
    async fn get(&self, tenant: Access) -> Answer<Shown<DashboardOut>> {
        let board = tenant.dashboard().await?;
        let kept = &tenant.scope().state.dashboards;
        let id = tenant.tenant().id;
        let body = match kept.get(&id) {
            // The same figures make the same bytes; the entry keeps them alive, so no other figures
            // can take their place in memory.
            Some((figures, body)) if Arc::ptr_eq(&figures, board.shared()) => body,
            _ => {
                let body = Bytes::from(to_bytes(&DashboardOut::from(&board), 2048)?);
                kept.insert(id, (Arc::clone(board.shared()), body.clone()));
                body
            }
        };
        Ok(Shown::from_response(json_bytes(StatusCode::OK, body)))
    }
}
