//! Every tenant's tables against what they should be.

use super::Shape;
use super::site::Site;
use crate::backend::Backend;
use crate::stamp;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use vivero_core::migration::{Drift, DriftKind, Watch};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Slug};

/// See [`vivero_core::migration::Migrator::verify`].
pub(crate) async fn verify<S: Site>(
    site: Arc<S>,
    only: &[Slug],
    parallel: u32,
    watch: Arc<dyn Watch>,
) -> Result<Vec<Drift>> {
    let expected = Arc::new(site.expected().await?);
    let all = site.keeper().registry.standings().await?;
    let known: HashSet<&Slug> = all.iter().map(|s| &s.tenant.slug).collect();
    if let Some(name) = only.iter().find(|name| !known.contains(name)) {
        let message = format!("there is no active or suspended tenant {name}");
        return Err(Error::invalid("tenant", "exists", message));
    }
    let wanted = all.iter().map(|s| &s.tenant);
    let wanted = wanted.filter(|t| only.is_empty() || only.contains(&t.slug));
    let mut tenants = wanted.cloned().collect::<Vec<Tenant>>().into_iter();
    let total = tenants.len() as u64;
    watch.ring(1, 1, total);
    let mut looking: JoinSet<Drift> = JoinSet::new();
    let mut drifts = Vec::new();
    loop {
        if looking.len() < parallel.clamp(1, 256) as usize
            && let Some(tenant) = tenants.next()
        {
            let (site, expected) = (Arc::clone(&site), Arc::clone(&expected));
            looking.spawn(async move { look(&*site, &tenant, &expected).await });
            continue;
        }
        let Some(drift) = looking.join_next().await else { break };
        let drift = drift.map_err(|e| Error::internal("looking at a tenant", e))?;
        watch.settled(&drift.slug, drift.error.as_deref());
        drifts.push(drift);
    }
    drifts.sort_by(|a, b| a.slug.cmp(&b.slug));
    Ok(drifts)
}

async fn look<S: Site>(site: &S, tenant: &Tenant, expected: &Shape) -> Drift {
    let mut drift = Drift {
        slug: tenant.slug.clone(),
        ok: false,
        hash: None,
        expected: expected.hash(),
        findings: Vec::new(),
        error: None,
    };
    let read = async {
        let (readers, writer) = site.connect(tenant, None).await?;
        let shape = async {
            let mut connection = <S::Engine as Backend>::acquire(&readers).await?;
            stamp::check::<S::Engine>(&mut connection, tenant).await?;
            // Triggers are the definers' to see.
            drop(connection);
            let mut connection = <S::Engine as Backend>::define(&writer).await?;
            Shape::read::<S::Engine>(&mut connection).await
        };
        let shape = shape.await;
        <S::Engine as Backend>::close(&readers).await;
        <S::Engine as Backend>::close(&writer).await;
        shape
    };
    match read.await {
        Ok(shape) => {
            drift.hash = Some(shape.hash());
            drift.findings = shape.against(expected);
            drift.ok = drift.findings.iter().all(|f| f.kind == DriftKind::LeftOver);
        }
        Err(e) => drift.error = Some(e.with_causes()),
    }
    drift
}
