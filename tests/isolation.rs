//! Two tenants in one installation: nothing of the one can be reached with anything of the other.
//!
//! The walks go through the OpenAPI document, without an exception list: an operation that is added is
//! covered the moment it is described.

#[path = "support/document.rs"]
mod document;
#[path = "support/server.rs"]
mod server;
#[path = "support/world.rs"]
mod world;

use document::{Document, Operation, Topics};
use reqwest::Method;
use serde_json::{Value, json};
use server::{PASSWORD, PLATFORM_KEY};
use std::collections::BTreeSet;
use uuid::Uuid;
use vivero_core::entity::{Entity, NewEntity, Transition};
use vivero_core::files::{FilePatch, NewFile, Upload};
use vivero_core::location::{Location, LocationKind, NewLocation};
use vivero_core::service::NewUser;
use vivero_core::user::{Role, User};
use vivero_core::{
    EntityFilter, EntityId, Error, FileId, Filter, LocationFilter, Page, Password, RoleId, UserId,
    Vivero,
};
use vivero_store::Open as _;
use world::{Answer, Tenant, World};

/// Two tenants; B's texts all hold a word that A's do not.
struct Pair {
    world: World,
    document: Document,
    a: Tenant,
    b: Tenant,
}

impl Pair {
    async fn start() -> Self {
        let world = World::start().await;
        let (a, b) = (world.tenant("aster").await, world.tenant("bryonia").await);
        Self { world, document: Document::read(), a, b }
    }

    async fn state(&self) -> String {
        self.world.state(&[&self.a, &self.b]).await
    }

    /// A body that is right in every way, with the credentials of B.
    fn body(&self, operation: &Operation) -> Option<Value> {
        let topics = Topics {
            email: self.b.email.clone(),
            refresh_token: self.b.tokens.refresh_token.clone(),
            invitation: self.b.invitation.clone(),
            ..Topics::of(&self.a)
        };
        operation.body.as_ref().map(|schema| self.document.sample(schema, &topics))
    }

    /// Refuses an answer that is not a refusal, or tells anything of B.
    fn refused(&self, answer: &Answer, what: &str) {
        let status = answer.status.as_u16();
        assert!([401, 404].contains(&status), "{what}: {status} {}", answer.text);
        self.silent(answer, what);
    }

    fn silent(&self, answer: &Answer, what: &str) {
        let all = format!("{:?} {}", answer.headers, answer.text).to_lowercase();
        assert!(!all.contains(&self.b.word), "{what} tells of the other tenant: {all}");
    }
}

/// The record of `tenant` that a path under `collection` can name.
fn own(tenant: &Tenant, collection: &str) -> Uuid {
    match collection {
        "entities" => tenant.lots[0],
        "locations" => tenant.sites[0].1.uuid(),
        "files" => tenant.files[0],
        "users" => tenant.session.user().expect("a person").record.id.uuid(),
        "roles" => tenant.roles["Viewer"].uuid(),
        "sessions" => tenant.session.session_id().expect("a session").uuid(),
        other => panic!("{other}: teach this test which record of a tenant that is"),
    }
}

const COLLECTIONS: [&str; 6] = ["entities", "locations", "files", "users", "roles", "sessions"];

/// Every operation of a tenant at A's path, with everything that lets people in elsewhere.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_foreign_credential_opens_any_operation() {
    let pair = Pair::start().await;
    let before = pair.state().await;
    let mut covered = BTreeSet::new();
    let credentials = [
        ("the other's access token", pair.b.tokens.access_token.as_str()),
        ("the platform key", PLATFORM_KEY),
        ("the other's refresh token", pair.b.tokens.refresh_token.as_str()),
        ("no credential", ""),
    ];
    for operation in pair.document.operations().iter().filter(|o| o.is_of_a_tenant()) {
        let id = operation.collection().map_or(Uuid::nil(), |c| own(&pair.a, c));
        let path = operation.at(&pair.a.slug, &id.to_string());
        for (name, bearer) in credentials {
            let what = format!("{} with {name}", operation.id);
            let body = pair.body(operation);
            let given = pair.world.call(&operation.method, &path, bearer, body.as_ref()).await;
            pair.refused(&given, &what);
        }
        covered.insert(operation.id.clone());
    }
    assert_eq!(pair.state().await, before);
    covers(&covered, Operation::is_of_a_tenant, &pair.document);
    for tenant in [&pair.a, &pair.b] {
        let path = format!("/api/v1/{}/me", tenant.slug);
        let still = pair.world.call(&Method::GET, &path, &tenant.tokens.access_token, None).await;
        assert_eq!(still.status, 200, "{} is still signed in", tenant.slug);
    }
}

fn covers(covered: &BTreeSet<String>, which: impl Fn(&Operation) -> bool, document: &Document) {
    let declared: BTreeSet<String> =
        document.operations().into_iter().filter(which).map(|o| o.id).collect();
    assert!(!declared.is_empty());
    assert_eq!(*covered, declared);
    for id in covered {
        assert!(vivero_core::operation::find(id).is_some(), "{id} is not declared");
    }
}

/// Every operation with A's own token, at paths that name other tenants or none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_opens_no_path_but_its_own() {
    let pair = Pair::start().await;
    let before = pair.state().await;
    let slug = &pair.b.slug;
    let encoded: String = slug.bytes().map(|b| format!("%{b:02x}")).collect();
    let slugs = [
        slug.clone(),
        "nobody-nursery".into(),
        slug.to_uppercase(),
        encoded,
        format!("{slug}."),
        format!("{slug}%20"),
        format!("{slug}%00"),
        format!("{}%2f..%2f{slug}", pair.a.slug),
        format!("{}%0a", pair.a.slug),
    ];
    for operation in pair.document.operations().iter().filter(|o| o.is_of_a_tenant()) {
        let id = operation.collection().map_or(Uuid::nil(), |c| own(&pair.b, c)).to_string();
        for slug in &slugs {
            let what = format!("{} at {slug}", operation.id);
            let path = operation.at(slug, &id);
            let topics = Topics::of(&pair.a);
            let body = operation.body.as_ref().map(|s| pair.document.sample(s, &topics));
            let bearer = &pair.a.tokens.access_token;
            let given = pair.world.call(&operation.method, &path, bearer, body.as_ref()).await;
            pair.refused(&given, &what);
        }
    }
    assert_eq!(pair.state().await, before);
}

/// Every operation that names a record, at A with A's token, for every record of B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_ids_name_nothing() {
    let pair = Pair::start().await;
    let before = pair.state().await;
    let mut foreign: Vec<Uuid> = COLLECTIONS.iter().map(|c| own(&pair.b, c)).collect();
    foreign.push(pair.b.session.tenant().id.uuid());
    let token = &pair.a.tokens.access_token;
    let (mut paths, mut bodies, mut filters) = (0, 0, 0);
    for operation in pair.document.operations().iter().filter(|o| o.is_of_a_tenant()) {
        let sample =
            || operation.body.as_ref().map(|s| pair.document.sample(s, &Topics::of(&pair.a)));
        if operation.collection().is_some() {
            for id in &foreign {
                let path = operation.at(&pair.a.slug, &id.to_string());
                let given =
                    pair.world.call(&operation.method, &path, token, sample().as_ref()).await;
                assert_eq!(given.status, 404, "{} of {id}: {}", operation.id, given.text);
                pair.silent(&given, &operation.id);
                paths += 1;
            }
        }
        let id = operation.collection().map_or(Uuid::nil(), |c| own(&pair.a, c)).to_string();
        let path = operation.at(&pair.a.slug, &id);
        for field in ids_in_body(&pair.document, operation) {
            for id in &foreign {
                let mut body = sample().expect("a body");
                let place = &mut body[&field];
                let (value, named) = match place.is_array() {
                    true => (json!([id]), format!("{field}.0 exists")),
                    false => (json!(id), format!("{field} exists")),
                };
                *place = value;
                let given = pair.world.call(&operation.method, &path, token, Some(&body)).await;
                let what = format!("{} with {field} {id}: {}", operation.id, given.text);
                assert_eq!((given.status.as_u16(), given.broken()), (400, vec![named]), "{what}");
                pair.silent(&given, &what);
                bodies += 1;
            }
        }
        for parameter in operation.parameters("query") {
            let is_id = parameter.schema["format"] == "uuid";
            let words = if is_id { foreign.iter().map(Uuid::to_string).collect() } else { vec![] };
            let search = (parameter.name == "q").then(|| pair.b.word.clone());
            for word in words.into_iter().chain(search) {
                let sign = if path.contains('?') { '&' } else { '?' };
                let asked = format!("{path}{sign}{}={word}", parameter.name);
                let body = sample();
                let given = pair.world.call(&operation.method, &asked, token, body.as_ref()).await;
                if operation.method == Method::GET {
                    let items = &given.json()["items"];
                    assert_eq!((given.status.as_u16(), items), (200, &json!([])), "{asked}");
                } else {
                    // What is written must not name it, as in a body.
                    let named = vec![format!("{} exists", parameter.name)];
                    assert_eq!((given.status.as_u16(), given.broken()), (400, named), "{asked}");
                    pair.silent(&given, &asked);
                }
                filters += 1;
            }
        }
    }
    assert_eq!(pair.state().await, before);
    assert!(paths > 100 && bodies > 40 && filters > 15, "{paths} {bodies} {filters}");
}

/// Properties of the body that name records.
fn ids_in_body(document: &Document, operation: &Operation) -> Vec<String> {
    let properties = operation.body.as_ref().and_then(|b| b["properties"].as_object().cloned());
    let names_records = |schema: &Value| {
        let schema = document.follow(schema);
        schema["format"] == "uuid" || schema["items"]["format"] == "uuid"
    };
    properties.into_iter().flatten().filter(|(_, s)| names_records(s)).map(|(n, _)| n).collect()
}

/// The operators' side, with everything a tenant's person has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenant_credentials_open_nothing_of_the_platform() {
    let pair = Pair::start().await;
    let before = pair.state().await;
    let is_platform = |o: &Operation| o.security == "platform_key";
    let mut covered = BTreeSet::new();
    for operation in pair.document.operations().iter().filter(|o| is_platform(o)) {
        let tokens = &pair.a.tokens;
        for bearer in
            [&tokens.access_token, &tokens.refresh_token, "", PASSWORD, &PLATFORM_KEY[1..]]
        {
            let path = operation.at(&pair.a.slug, "");
            let body = pair.body(operation);
            let given = pair.world.call(&operation.method, &path, bearer, body.as_ref()).await;
            assert_eq!(given.status, 401, "{}: {}", operation.id, given.text);
            pair.silent(&given, &operation.id);
        }
        covered.insert(operation.id.clone());
    }
    assert_eq!(pair.state().await, before);
    covers(&covered, is_platform, &pair.document);
}

/// The same address in both tenants, with two passwords: each opens its own door only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_address_is_a_different_person_elsewhere() {
    let pair = Pair::start().await;
    let shared = "shared@example.com";
    let join = async |tenant: &Tenant, secret: &str| {
        let new =
            NewUser { email: shared.into(), name: "Same".into(), roles: vec![], locations: vec![] };
        let (_, invitation) = tenant.session.users().create(new).await.expect("a person");
        let body = json!({"token": invitation.token, "password": secret});
        let path = format!("/api/v1/{}/auth/invitations", tenant.slug);
        assert_eq!(pair.world.call(&Method::POST, &path, "", Some(&body)).await.status, 200);
        body
    };
    let (own, other) = ("the secret at aster", "the secret at bryonia");
    join(&pair.a, own).await;
    let used = join(&pair.b, other).await;
    let login = async |tenant: &Tenant, secret: &str| {
        let body = json!({"email": shared, "password": secret});
        pair.world
            .call(&Method::POST, &format!("/api/v1/{}/auth/login", tenant.slug), "", Some(&body))
            .await
    };
    assert_eq!(login(&pair.a, other).await.status, 401);
    assert_eq!(login(&pair.b, own).await.status, 401);
    let (at_a, at_b) = (login(&pair.a, own).await, login(&pair.b, other).await);
    assert_eq!((at_a.status.as_u16(), at_b.status.as_u16()), (200, 200));
    // What the sign-in at B handed out is worth nothing at A, and is still good at B afterwards.
    let tokens = at_b.json();
    let refresh = json!({"refresh_token": tokens["refresh_token"]});
    let access = tokens["access_token"].as_str().expect("a token");
    for (tenant, refreshed, seen) in [(&pair.a, 404, 404), (&pair.b, 200, 200)] {
        let path = format!("/api/v1/{}", tenant.slug);
        let given = pair
            .world
            .call(&Method::POST, &format!("{path}/auth/refresh"), "", Some(&refresh))
            .await;
        assert_eq!(given.status, refreshed, "{}", given.text);
        assert_eq!(
            pair.world.call(&Method::GET, &format!("{path}/me"), access, None).await.status,
            seen
        );
    }
    for tenant in [&pair.a, &pair.b] {
        let path = format!("/api/v1/{}/auth/invitations", tenant.slug);
        let again = pair.world.call(&Method::POST, &path, "", Some(&used)).await;
        assert_eq!(again.status, 401, "an invitation is good once, and at its tenant");
    }
}

/// The same through the library: repositories of A know nothing of B.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repositories_reach_one_tenant_only() {
    let pair = Pair::start().await;
    let before = pair.state().await;
    let (a, b) = (&pair.a.session, &pair.b);
    let lot = EntityId::from_uuid(b.lots[0]);
    let (site, bed) = b.sites[0];
    let user = UserId::from_uuid(own(b, "users"));
    let role: RoleId = b.roles["Viewer"];
    assert!(a.entities().find(lot).await.expect("a look").is_none());
    assert!(a.locations().find(bed).await.expect("a look").is_none());
    assert!(a.users().find(user).await.expect("a look").is_none());
    assert!(a.roles().find(role).await.expect("a look").is_none());
    assert!(a.repository::<Entity>().find_by_id(lot).await.expect("a look").is_none());
    let gone = |found: Result<(), Error>| {
        assert!(matches!(found, Err(Error::NotFound { .. })), "{found:?}")
    };
    let file = FileId::from_uuid(b.files[0]);
    assert!(a.files().find(file).await.expect("a look").is_none());
    gone(a.files().history(file, None, 50).await.map(|_| ()));
    gone(a.files().link(file, std::time::Duration::from_secs(9)).await.map(|_| ()));
    gone(a.files().update(file, 1, FilePatch::default()).await.map(|_| ()));
    gone(a.files().soft_delete(file, None).await.map(|_| ()));
    gone(a.files().recover_by_id(file).await.map(|_| ()));
    // Even with the record of B in hand, A's session does not reach B's content.
    let theirs = b.session.files().find(file).await.expect("a look").expect("B's file");
    let reached = a.files().open(&theirs, None).await;
    assert!(matches!(reached, Err(Error::Corrupt { .. })), "{reached:?}");
    gone(a.users().recover_by_id(user).await.map(|_| ()));
    gone(a.repository::<User>().history(user, None, 50).await.map(|_| ()));
    gone(a.repository::<Role>().history(role, None, 50).await.map(|_| ()));
    gone(a.entities().history(lot, None, 50).await.map(|_| ()));
    gone(a.repository::<Location>().history(bed, None, 50).await.map(|_| ()));
    gone(a.repository::<Entity>().update(lot, 1, |e| e.name = "mine".into()).await.map(|_| ()));
    gone(a.entities().soft_delete(lot, None).await.map(|_| ()));
    gone(a.entities().recover_by_id(lot).await.map(|_| ()));
    gone(a.users().soft_delete(user, None).await.map(|_| ()));
    gone(a.roles().soft_delete(role, None).await.map(|_| ()));
    gone(a.end_session(b.session.session_id().expect("a session")).await);
    let step = Transition { quantity_change: Some(1), ..Transition::default() };
    gone(a.entities().transition(lot, None, &step).await.map(|_| ()));
    gone(a.entities().move_to(lot, pair.a.sites[0].1, None).await.map(|_| ()));

    let named = |made: Result<(), Error>| match made {
        Err(Error::Invalid(rules)) => assert_eq!(rules[0].rule, "exists"),
        other => panic!("{other:?}"),
    };
    named(a.entities().move_to(EntityId::from_uuid(pair.a.lots[0]), bed, None).await.map(|_| ()));
    let new = NewEntity::new("x", "x", vivero_core::entity::EntityType::Seed, 1).at(bed);
    named(a.entities().create(new).await.map(|_| ()));
    let of_theirs = NewFile::new("x.txt").of(lot);
    named(a.files().upload(of_theirs, Upload::of("x")).await.map(|_| ()));
    let below = NewLocation::new(LocationKind::Bed, "x", "x", Some(site));
    named(a.locations().create(below).await.map(|_| ()));

    let all = Page::first(200).with_total();
    let lots =
        a.entities().list(EntityFilter::new().location(site), all.clone()).await.expect("lots");
    let places =
        a.locations().list(LocationFilter::new().within(site), all.clone()).await.expect("places");
    assert_eq!((lots.total, places.total), (Some(0), Some(0)));
    for lot in a.entities().list(EntityFilter::new(), all.clone()).await.expect("lots").items {
        assert!(lot.record.code.starts_with(&pair.a.word));
    }
    for person in a.users().list(Filter::new(), all).await.expect("people").items {
        assert!(person.record.email.contains(&pair.a.word));
    }
    let (events, _) = a.events(0, 200).await.expect("events");
    let shown = format!("{events:?} {:?}", a.audit(None, 200).await.expect("the trail"));
    assert!(!shown.contains(&b.word));
    assert_eq!(pair.state().await, before);
}

/// A file in another's place is noticed before anything is read from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swapped_file_is_refused_as_damaged() {
    let Pair { mut world, a, b, .. } = Pair::start().await;
    let name = |tenant: &Tenant| tenant.session.tenant().id.uuid().simple().to_string();
    let (mine, others) = (name(&a), name(&b));
    let (email, slug, token) = (a.email.clone(), a.slug.clone(), a.tokens.access_token.clone());
    let b_email = b.email.clone();
    drop((a, b));
    world.server.stop().await;
    let folder = world.server.folder.path();
    match server::engine::server() {
        None => swap_files(folder, &mine, &others),
        #[cfg(feature = "mariadb")]
        Some(server) => swap_stamps(server, &mine, &others).await,
        #[cfg(not(feature = "mariadb"))]
        Some(_) => panic!("these tests were built without --features mariadb"),
    }

    let url = server::engine::url(folder);
    let builder = server::with_key(Vivero::builder().weak_passwords_for_tests());
    let vivero = builder.open(&url).await.expect("the installation");
    for email in [&email, &b_email] {
        let found = vivero.sign_in(&slug, Password::new(email, PASSWORD)).await;
        assert!(matches!(found, Err(Error::Corrupt { .. })), "{:?}", found.err());
    }
    let found = vivero.resume(&slug, &token).await;
    assert!(matches!(found, Err(Error::Corrupt { .. })), "{:?}", found.err());
    let tenant = vivero.tenants().find(&slug.parse().expect("a slug")).await.expect("the tenant");
    assert!(matches!(vivero.job(tenant.id, "a look").await, Err(Error::Corrupt { .. })));
    assert!(vivero.verify_audit(&tenant.slug).await.is_err());
    vivero.close().await;
}

/// Puts one tenant's file where the other's is looked for.
fn swap_files(folder: &std::path::Path, mine: &str, others: &str) {
    let file =
        |name: &str| folder.join("tenants").join(&name[30..]).join(format!("{name}.sqlite3"));
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", file(mine).display()));
    }
    std::fs::rename(file(others), file(mine)).expect("the swap");
}

/// Makes one tenant's database say that it is the other's, as one that was restored under a wrong name.
#[cfg(feature = "mariadb")]
async fn swap_stamps(server: &str, mine: &str, others: &str) {
    use sqlx::{AssertSqlSafe, Connection as _};
    let mut admin = sqlx::MySqlConnection::connect(server).await.expect("the server");
    let sql = format!("UPDATE t{mine}.stamp SET tenant_id = x'{others}'");
    let swapped = sqlx::query(AssertSqlSafe(sql)).execute(&mut admin).await;
    assert_eq!(swapped.expect("the swap").rows_affected(), 1);
}
