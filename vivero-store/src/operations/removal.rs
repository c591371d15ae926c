//! Removing a tenant: marked first, gone after the grace, and its name free last.

use super::run::{Run, Step};
use chrono::TimeDelta;
use serde_json::{Value as Json, json};
use vivero_core::Result;
use vivero_core::operations::{Marks, TenantChange};
use vivero_core::tenant::{Tenant, TenantState};

impl Run<'_> {
    async fn go(&self, tenant: &Tenant, state: TenantState, marks: Marks) -> Result<Tenant> {
        let change = TenantChange {
            from: tenant.state,
            state,
            generation: tenant.generation,
            marks,
            anchor: None,
        };
        self.fleet().book().change_tenant(&self.operation, tenant.id, &change).await
    }

    pub(super) async fn mark(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        if tenant.state == TenantState::Deleting {
            return Ok(());
        }
        let days = self.operation.parameters.get("grace_days").and_then(Json::as_i64).unwrap_or(0);
        let after = self.all.clock.now() + TimeDelta::days(days);
        let marks = self.fleet().book().marks(tenant.id).await?;
        let marks = Marks { delete_after: Some(after), ..marks };
        self.set("state_before", json!(tenant.state));
        self.set("delete_after", json!(after));
        self.go(&tenant, TenantState::Deleting, marks).await?;
        Ok(())
    }

    pub(super) async fn close(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        self.all.may_be_purged(&tenant).await?;
        if tenant.state != TenantState::Closed {
            let marks = self.fleet().book().marks(tenant.id).await?;
            self.go(&tenant, TenantState::Closed, marks).await?;
        }
        Ok(())
    }

    pub(super) async fn drop_all(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        self.fleet().retire(tenant.id, tenant.generation).await;
        // Also what an operation that was given up may have left; the current one last, with the account.
        for generation in (1..tenant.generation).chain([tenant.generation + 1]) {
            self.remove(tenant.id, generation).await?;
        }
        self.hook("drop/database").await?;
        self.remove(tenant.id, tenant.generation).await?;
        self.remove_contents().await
    }

    pub(super) async fn forget(&mut self) -> Step<()> {
        self.fleet().book().forget_tenant(&self.operation, self.operation.tenant).await?;
        Ok(())
    }
}
