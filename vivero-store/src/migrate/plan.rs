//! What a run would do: which tenants are behind, and what one of each group lacks.

use super::Target;
use super::journal::lacking;
use super::site::Site;
use crate::backend::Backend;
use crate::registry::Standing;
use crate::stamp;
use std::collections::{BTreeMap, HashSet};
use vivero_core::migration::{Plan, PlanGroup, PlannedStep, edited};
use vivero_core::tenant::Tenant;
use vivero_core::{Error, Result, Slug};

fn checksums(target: &Target) -> Vec<(i64, String, String)> {
    let entry = |m: &vivero_core::migration::Migration| {
        (m.id(), m.name().to_owned(), m.checksum(target.engine))
    };
    target.migrations.iter().map(entry).collect()
}

/// The tenants that are asked for. Errors: a name that no tenant has.
pub(super) async fn asked<S: Site>(
    site: &S,
    only: &[String],
    also: &[String],
) -> Result<Vec<Standing>> {
    let all = site.keeper().registry.standings().await?;
    let known: HashSet<&str> = all.iter().map(|s| s.tenant.slug.as_str()).collect();
    if let Some(name) = only.iter().chain(also).find(|name| !known.contains(name.as_str())) {
        let message = format!("there is no active or suspended tenant {name}");
        return Err(Error::invalid("tenant", "exists", message));
    }
    let wanted: HashSet<&str> = only.iter().map(String::as_str).collect();
    let is_wanted = |s: &Standing| wanted.is_empty() || wanted.contains(s.tenant.slug.as_str());
    Ok(all.iter().filter(|s| is_wanted(s)).cloned().collect())
}

pub(super) async fn refuse_edited<S: Site>(site: &S, register: bool) -> Result<()> {
    let keeper = site.keeper();
    let register = register.then(|| keeper.clock.now());
    match keeper.registry.edited_migration(&checksums(site.target()), register).await? {
        Some((id, name)) => Err(edited(id, &name, "this installation")),
        None => Ok(()),
    }
}

/// See [`vivero_core::migration::Migrator::plan`].
pub(crate) async fn plan<S: Site>(site: &S, only: &[Slug]) -> Result<Plan> {
    refuse_edited(site, false).await?;
    let target = site.target();
    let version = target.fingerprint.all();
    let only: Vec<String> = only.iter().map(ToString::to_string).collect();
    let mut up_to_date = 0;
    let mut groups: BTreeMap<Option<String>, Vec<Tenant>> = BTreeMap::new();
    for standing in asked(site, &only, &[]).await? {
        if standing.fingerprint.as_deref() == Some(version.as_str()) {
            up_to_date += 1;
        } else {
            groups.entry(standing.fingerprint).or_default().push(standing.tenant);
        }
    }
    let mut plan = Plan { target: version, up_to_date, groups: Vec::new() };
    for (fingerprint, tenants) in groups {
        let (mut steps, mut error) = (Vec::new(), None);
        // One that is damaged or away must not hide what is to be done to the others.
        for tenant in tenants.iter().take(3) {
            match look(site, tenant).await {
                Ok(found) => {
                    (steps, error) = (found, None);
                    break;
                }
                Err(e @ Error::Illegal { .. }) => return Err(e),
                Err(e) => error = Some(format!("{}: {}", tenant.slug, e.with_causes())),
            }
        }
        let tenants = tenants.into_iter().map(|t| t.slug).collect();
        plan.groups.push(PlanGroup { fingerprint, tenants, steps, error });
    }
    Ok(plan)
}

/// What one tenant lacks.
async fn look<S: Site>(site: &S, tenant: &Tenant) -> Result<Vec<PlannedStep>> {
    let target = site.target();
    let (readers, writer) = site.connect(tenant, None).await?;
    let looked = async {
        let mut connection = <S::Engine as Backend>::acquire(&readers).await?;
        stamp::check::<S::Engine>(&mut connection, tenant).await?;
        let noted = <S::Engine as Backend>::noted(&mut connection, &target.fingerprint).await?;
        if noted.same {
            return Ok(Vec::new());
        }
        let lacking = lacking::<S::Engine>(&mut connection, target, noted.same_tables, false);
        Ok(lacking.await?.steps)
    };
    let steps = looked.await;
    <S::Engine as Backend>::close(&readers).await;
    <S::Engine as Backend>::close(&writer).await;
    steps
}
