//! The fleet as whoever migrates it sees it, and the tables of a new database.

use super::MariaDbFleet;
use super::credentials::Place;
use super::server::Server;
use crate::backend::Backend as _;
use crate::backend::mariadb::{MariaDb, Pool};
use crate::keeper::Keeper;
use crate::migrate::{self, Alone, How, Shape, Site, Target, Way};
use async_trait::async_trait;
use std::collections::HashMap;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::tenant::Tenant;
use vivero_core::{Clock, Result};

#[async_trait]
impl Site for MariaDbFleet {
    type Engine = MariaDb;

    fn keeper(&self) -> &Keeper<MariaDb> {
        &self.keeper
    }
    fn target(&self) -> &Target {
        &self.target
    }
    async fn place(&self, tenant: &Tenant) -> Result<String> {
        Ok(self.place_of(tenant).await?.server)
    }
    async fn ways(&self, tenants: &[Tenant]) -> Result<HashMap<TenantId, Way>> {
        self.credentials.ways(self.registry(), tenants).await
    }
    async fn connect(&self, tenant: &Tenant, way: Option<Way>) -> Result<(Pool, Pool)> {
        let Way { server, database } = match way {
            Some(way) => way,
            None => {
                let place = self.place_of(tenant).await?;
                Way { server: place.server, database: place.database }
            }
        };
        // The administrator's: the tenant's own account may not change tables.
        Ok(self.servers.find(&server).await?.up()?.admin_pools(&database))
    }
    fn rest(&self) {
        for listed in self.servers.known().iter() {
            listed.server.rest();
        }
    }
    async fn expected(&self) -> Result<Shape> {
        let main = self.servers.main();
        let scratch = main.scratch().await?;
        let made = async {
            let nobody = TenantId::from_uuid(Uuid::nil());
            bring_up(&scratch.pool, nobody, &self.target, &*self.keeper.clock).await?;
            Shape::read::<MariaDb>(&mut *MariaDb::acquire(&scratch.pool).await?).await
        };
        let shape = made.await;
        scratch.remove(main).await?;
        shape
    }
}
migrate::migrator!(MariaDbFleet);

/// Makes a new database's tables. What was cut off is gone on with.
pub(super) async fn bring_up(
    writer: &Pool,
    tenant: TenantId,
    target: &Target,
    clock: &dyn Clock,
) -> Result<()> {
    let how = How { steps: &Alone, each: false, lock_wait: None, stamp: None, clock };
    migrate::bring_up::<MariaDb>(writer, tenant, target, &how).await?;
    Ok(())
}

/// Makes the tables of a database that is nobody's yet. It has no journal, so whose it is does not matter.
pub(super) async fn bring_up_standby(
    server: &Server,
    place: &Place,
    target: &Target,
    clock: &dyn Clock,
) -> Result<()> {
    let (readers, writer) = server.tenant_pools(place, None).await?;
    let outcome = bring_up(&writer, TenantId::from_uuid(Uuid::nil()), target, clock).await;
    readers.close();
    writer.close();
    outcome
}
