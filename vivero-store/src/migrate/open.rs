//! Opening a tenant: its tables are brought up, or it is served as it is.

use super::journal::{Lacking, lacking};
use super::steps::{Alone, How, bring_up};
use super::{Shape, Target};
use crate::backend::Backend;
use crate::keeper::Keeper;
use crate::tenant::Tables;
use std::sync::Arc;
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result};

/// The record tables of a tenant whose stamp was checked. With `on_open` they are brought up first;
/// without, what is lacking is done without, until somebody else has brought it up. A connection that can
/// write, which many a visit has no use for, is opened only where something is to be brought up.
///
/// Errors: [`Error::TenantMigrating`] if it cannot be served as it is.
pub(crate) async fn at_open<B: Backend>(
    (readers, writer): (&B::Pool, &B::Pool),
    tenant: &Tenant,
    (target, tables): (&Arc<Target>, &Arc<Tables>),
    on_open: bool,
    keeper: &Keeper<B>,
) -> Result<Arc<Tables>> {
    let mut connection = B::acquire(readers).await?;
    let noted = B::noted(&mut connection, &target.fingerprint).await?;
    if noted.same {
        return Ok(Arc::clone(tables));
    }
    // Nothing noted: indexes were set aside while a table was filled, and that was cut off.
    if on_open || noted.never {
        drop(connection);
        let clock = &*keeper.clock;
        let how = How { steps: &Alone, each: false, lock_wait: None, stamp: None, clock };
        if bring_up::<B>(writer, tenant.id, target, &how).await? {
            keeper.note_schema(tenant, target).await;
        }
        return Ok(Arc::clone(tables));
    }
    let lacks = lacking::<B>(&mut connection, target, noted.same_tables, false).await?;
    let required = target
        .migrations
        .iter()
        .find(|m| m.is_required() && lacks.steps.iter().any(|step| step.migration == m.id()));
    if let Some(migration) = required {
        return Err(Error::TenantMigrating {
            what: format!(
                "it lacks migration {} ({}), without which it is not served; run `vivero migrate up`",
                migration.id(),
                migration.name()
            ),
        });
    }
    serve_as_is::<B>(&mut connection, target, tables, &lacks).await
}

async fn serve_as_is<B: Backend>(
    connection: &mut B::Connection,
    target: &Arc<Target>,
    tables: &Arc<Tables>,
    lacks: &Lacking,
) -> Result<Arc<Tables>> {
    if !lacks.steps.iter().any(|step| step.migration == 0) {
        return Ok(Arc::clone(tables));
    }
    let shape = Shape::read::<B>(connection).await?;
    let reduced = Tables::behind(tables, target, &shape);
    // A newer program only adds; if something is gone as well, this one is too old.
    if lacks.ahead && reduced.lacks_columns() {
        return Err(Error::TenantMigrating {
            what: "a newer version of this program has changed its tables; update this program"
                .into(),
        });
    }
    Ok(Arc::new(reduced))
}
