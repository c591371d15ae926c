//! A fleet as whoever migrates it sees it.

use super::{Shape, Target};
use crate::backend::Backend;
use crate::keeper::Keeper;
use async_trait::async_trait;
use std::collections::HashMap;
use vivero_core::Result;
use vivero_core::ids::TenantId;
use vivero_core::tenant::Tenant;

/// Where a tenant's database is, where there are servers.
#[derive(Debug, Clone)]
pub(crate) struct Way {
    pub(crate) server: String,
    #[cfg_attr(not(feature = "mariadb"), expect(dead_code, reason = "only MariaDB has servers"))]
    pub(crate) database: String,
}

/// The registry, the version to reach, and a way to each tenant's database that does not go through the
/// pools of requests.
#[async_trait]
pub(crate) trait Site: Send + Sync + 'static {
    type Engine: Backend;

    fn keeper(&self) -> &Keeper<Self::Engine>;
    fn target(&self) -> &Target;
    /// The server a tenant's database is on, by a name of any kind.
    async fn place(&self, tenant: &Tenant) -> Result<String>;
    /// The ways to many tenants' databases, asked for at once. Who is not among them is asked for alone.
    async fn ways(&self, _tenants: &[Tenant]) -> Result<HashMap<TenantId, Way>> {
        Ok(HashMap::new())
    }
    /// Connections to a tenant's database, reading and writing, opened when they are used. Whose it is
    /// was not checked. The way there is looked up unless it is known.
    async fn connect(
        &self,
        tenant: &Tenant,
        way: Option<Way>,
    ) -> Result<(<Self::Engine as Backend>::Pool, <Self::Engine as Backend>::Pool)>;
    /// A run is over: closes what it kept open.
    fn rest(&self) {}
    /// What a tenant's database should have, seen from one that was made for it.
    async fn expected(&self) -> Result<Shape>;
}

/// Makes a [`Site`] the [`vivero_core::migration::Migrator`] of its fleet.
macro_rules! migrator {
    ($fleet:ty) => {
        #[async_trait::async_trait]
        impl vivero_core::migration::Migrator for $fleet {
            async fn plan(
                &self,
                only: &[vivero_core::Slug],
            ) -> vivero_core::Result<vivero_core::migration::Plan> {
                $crate::migrate::plan(self, only).await
            }
            async fn up(
                self: std::sync::Arc<Self>,
                options: vivero_core::migration::RunOptions,
                watch: std::sync::Arc<dyn vivero_core::migration::Watch>,
            ) -> vivero_core::Result<vivero_core::migration::Run> {
                $crate::migrate::up(self, options, watch).await
            }
            async fn retry(
                self: std::sync::Arc<Self>,
                run: Option<uuid::Uuid>,
                operator: &str,
                watch: std::sync::Arc<dyn vivero_core::migration::Watch>,
            ) -> vivero_core::Result<vivero_core::migration::Run> {
                $crate::migrate::retry(self, run, operator, watch).await
            }
            async fn runs(
                &self,
                limit: u32,
            ) -> vivero_core::Result<Vec<vivero_core::migration::Run>> {
                $crate::migrate::runs(self, limit).await
            }
            async fn run(
                &self,
                id: uuid::Uuid,
            ) -> vivero_core::Result<Option<vivero_core::migration::Run>> {
                $crate::migrate::run(self, id).await
            }
            async fn tenants(
                &self,
                run: uuid::Uuid,
                state: Option<vivero_core::migration::TenantRunState>,
            ) -> vivero_core::Result<Vec<vivero_core::migration::TenantRun>> {
                $crate::migrate::tenants(self, run, state).await
            }
            async fn verify(
                self: std::sync::Arc<Self>,
                only: &[vivero_core::Slug],
                parallel: u32,
                watch: std::sync::Arc<dyn vivero_core::migration::Watch>,
            ) -> vivero_core::Result<Vec<vivero_core::migration::Drift>> {
                $crate::migrate::verify(self, only, parallel, watch).await
            }
        }
    };
}
pub(crate) use migrator;
