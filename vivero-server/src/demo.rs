//! `vivero demo`: a tenant with believable data, made once and found again at every later start.
//!
//! What is cut off is gone on with: the accounts are written down before the data is made, and the
//! data is the same at every run, so the number of lots that are there says where to go on.

pub mod data;

use crate::progress::Progress;
use data::{DemoEntity, DemoPlan};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use vivero_core::entity::Entity;
use vivero_core::ids::{EntityId, LocationId, RoleId};
use vivero_core::location::{Location, NewLocation};
use vivero_core::service::NewUser;
use vivero_core::token::random_secret;
use vivero_core::user::Role;
use vivero_core::{
    EntityFilter, Error, Filter, LocationFilter, NewTenant, Owner, Page, RequestContext, Result,
    Slug, TenantSession, Vivero,
};

/// Where chance begins, unless said otherwise.
pub const SEED: u64 = 20_260_301;
/// Lots, unless said otherwise.
pub const RECORDS: u64 = 200_000;
/// Name of the demo tenant in paths.
pub const SLUG: &str = "demo-nursery";
/// Lots written in one transaction: large enough that the indexes are written once, small enough
/// that progress shows and little is repeated.
const AT_ONCE: usize = 10_000;

/// What `vivero demo` writes down for its next start, readable by its owner only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notes {
    /// Tenant in paths.
    pub tenant: String,
    /// Where chance began.
    pub seed: u64,
    /// How many lots there are to be.
    pub records: u64,
    /// How many were made when the data was last complete; people may have changed it since.
    pub seeded: u64,
    /// The day on which the nursery is seen.
    pub today: chrono::NaiveDate,
    /// Opens the platform API.
    pub platform_key: String,
    /// One person per role, and a second Operator.
    pub people: Vec<Person>,
}

/// Someone who can sign in to the demo.
#[derive(Clone, Serialize, Deserialize)]
pub struct Person {
    /// Name of the role.
    pub role: String,
    /// Address to sign in with.
    pub email: String,
    /// Password, made at random.
    pub password: String,
    /// Code of the site they work at, for roles with the scope `location`.
    pub site: Option<String>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("role", &self.role)
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

impl Notes {
    /// The Admin.
    pub fn admin(&self) -> Result<&Person> {
        self.people.first().ok_or_else(|| Error::corrupt("the demo's notes name nobody"))
    }

    fn path(folder: &Path) -> PathBuf {
        folder.join("demo.json")
    }

    /// The notes of a former start.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        match std::fs::read(Self::path(folder)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map(Some)
                .map_err(|e| Error::corrupt(format!("{}: {e}", Self::path(folder).display()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::internal("reading the demo's notes", e)),
        }
    }

    fn write(&self, folder: &Path) -> io::Result<()> {
        use std::io::Write as _;
        let half = folder.join("demo.json.tmp");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&half)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        std::fs::rename(&half, Self::path(folder))
    }

    fn fresh(vivero: &Vivero, records: u64, seed: u64) -> Self {
        let secret = || random_secret(vivero.ids(), "")[..20].to_owned();
        let person = |role: &str, name: &str, site: Option<&str>| Person {
            role: role.into(),
            email: format!("{name}@{SLUG}.example"),
            password: secret(),
            site: site.map(str::to_owned),
        };
        Self {
            tenant: SLUG.into(),
            seed,
            records,
            seeded: 0,
            today: vivero.now().date_naive(),
            platform_key: random_secret(vivero.ids(), "vpk_"),
            people: vec![
                person("Admin", "admin", None),
                person("Manager", "manager", None),
                person("Operator", "operator-1", Some("first")),
                person("Operator", "operator-2", Some("second")),
                person("Viewer", "viewer", None),
            ],
        }
    }
}

/// Makes the demo tenant in `folder`, or finishes it, or finds it. More records than before are added.
pub async fn prepare(
    vivero: &Vivero,
    folder: &Path,
    records: u64,
    seed: u64,
    progress: &Progress,
) -> Result<Notes> {
    let mut notes = match Notes::read(folder)? {
        Some(notes) => notes,
        None => Notes::fresh(vivero, records, seed),
    };
    notes.records = notes.records.max(records);
    notes.write(folder).map_err(|e| Error::internal("writing the demo's notes", e))?;
    let slug: Slug = notes.tenant.parse()?;
    let tenant = match vivero.tenants().find(&slug).await {
        Ok(tenant) => vivero_core::Tenant::clone(&tenant),
        Err(Error::NotFound { .. }) => {
            let admin = notes.admin()?;
            let owner =
                Owner { name: "Demo Admin".into(), ..Owner::new(&admin.email, &admin.password) };
            let new = NewTenant::trial(SLUG, owner).organization("Demo Nursery");
            vivero.tenants().provision(new).await?
        }
        Err(e) => return Err(e),
    };
    let session = vivero.job(tenant.id, "demo data").await?;
    let plan = DemoPlan::new(notes.seed, notes.records, notes.today);
    let places = make_locations(&session, &plan).await?;
    make_people(vivero, &session, &notes).await?;
    if notes.seeded < notes.records {
        make_entities(&session, plan, &places, progress).await?;
        notes.seeded = notes.records;
        notes.write(folder).map_err(|e| Error::internal("writing the demo's notes", e))?;
    }
    // A former run may have been cut off before its figures were complete.
    session.seal().await?;
    Ok(notes)
}

/// Ids of the plan's locations, in its order.
async fn make_locations(session: &TenantSession, plan: &DemoPlan) -> Result<Vec<LocationId>> {
    let known = codes(session).await?;
    let wanted = plan.locations();
    let mut ids: Vec<LocationId> = Vec::with_capacity(wanted.len());
    let mut work = session.begin().await?;
    for place in wanted {
        let id = match known.get(&place.code) {
            Some(id) => *id,
            None => {
                let parent = place.parent.and_then(|i| ids.get(i)).copied();
                let new = NewLocation {
                    area_dm2: place.area_dm2,
                    ..NewLocation::new(place.kind, place.code, place.name, parent)
                };
                work.create_location(new).await?.id
            }
        };
        ids.push(id);
    }
    work.commit().await?;
    Ok(ids)
}

/// Every location's id by its code.
pub(crate) async fn codes(session: &TenantSession) -> Result<HashMap<String, LocationId>> {
    let mut codes = HashMap::new();
    let mut page = Page::first(200);
    loop {
        let found = session.locations().list(LocationFilter::new(), page).await?;
        codes.extend(found.items.into_iter().map(|l| (l.record.code, l.record.id)));
        match found.next_cursor {
            Some(cursor) => page = Page::first(200).after(cursor),
            None => return Ok(codes),
        }
    }
}

async fn make_people(vivero: &Vivero, session: &TenantSession, notes: &Notes) -> Result<()> {
    let roles = session.roles().list(Filter::new(), Page::first(200)).await?.items;
    let role = |name: &str| -> Result<RoleId> {
        roles
            .iter()
            .map(|r| &r.record)
            .find(|r: &&Role| r.name == name)
            .map(|r| r.id)
            .ok_or_else(|| Error::not_found("role"))
    };
    let sites: Vec<Location> = {
        let filter = LocationFilter::new()
            .kind(vivero_core::location::LocationKind::Site)
            .sort("created_at");
        session
            .locations()
            .list(filter, Page::first(200))
            .await?
            .items
            .into_iter()
            .map(|l| l.record)
            .collect()
    };
    let known = session.users().list(Filter::new(), Page::first(200)).await?.items;
    for (i, person) in notes.people.iter().enumerate() {
        let there = known.iter().find(|u| u.email == person.email);
        if there.is_some_and(|u| u.status == vivero_core::user::UserStatus::Active) {
            continue;
        }
        let invitation = if let Some(half) = there {
            // Invited, then cut off: that invitation is lost.
            session.users().invite_again(half.id).await?
        } else {
            let site = person.site.as_ref().and_then(|_| sites.get(i % sites.len().max(1)));
            let new = NewUser {
                email: person.email.clone(),
                name: format!("Demo {}", person.role),
                roles: vec![role(&person.role)?],
                locations: site.map(|s| s.id).into_iter().collect(),
            };
            session.users().create(new).await?.1
        };
        vivero
            .accept_invitation(
                &notes.tenant,
                &invitation.token,
                &person.password,
                RequestContext::default(),
            )
            .await?;
    }
    Ok(())
}

async fn make_entities(
    session: &TenantSession,
    plan: DemoPlan,
    places: &[LocationId],
    progress: &Progress,
) -> Result<()> {
    let there = session
        .entities()
        .list(EntityFilter::new(), Page::first(1).with_total())
        .await?
        .total
        .unwrap_or(0);
    if there >= plan.records {
        return Ok(());
    }
    let bar = progress.start("seeding", plan.records);
    bar.set(there);
    session.repository::<Entity>().filling(true).await?;
    // Generating on a thread of its own keeps the second core busy while the first writes.
    let (send, mut receive) = tokio::sync::mpsc::channel::<Vec<DemoEntity>>(2);
    let skip = usize::try_from(there).unwrap_or(usize::MAX);
    let maker = tokio::task::spawn_blocking(move || {
        let mut lots = plan.entities().skip(skip);
        loop {
            let some: Vec<_> = lots.by_ref().take(AT_ONCE).collect();
            if some.is_empty() || send.blocking_send(some).is_err() {
                return;
            }
        }
    });
    while let Some(lots) = receive.recv().await {
        let number = lots.len() as u64;
        let records = lots
            .into_iter()
            .map(|lot| {
                let mut entity: Entity =
                    lot.new.into_entity(EntityId::from_uuid(session.new_id(lot.created_at)));
                entity.status = lot.status;
                entity.held_from = lot.held_from;
                entity.location_id = lot.location.and_then(|i| places.get(i)).copied();
                (lot.created_at, entity)
            })
            .collect();
        let mut work = session.begin().await?;
        work.repository::<Entity>().take_over(records).await?;
        work.commit().await?;
        bar.advance(number);
    }
    maker.await.map_err(|e| Error::internal("making demo data", e))?;
    session.repository::<Entity>().filling(false).await?;
    session.seal().await?;
    bar.done();
    Ok(())
}
