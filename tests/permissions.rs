//! Who may do what, over HTTP: every built-in role at every operation of the document, held against what
//! the core declares; and that changes of it bite on the very next request.

#[expect(dead_code, reason = "parameters matter to other tests")]
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
use std::collections::BTreeMap;
use uuid::Uuid;
use vivero_core::location::LocationKind;
use vivero_core::operation::{Requires, find};
use vivero_core::permission::PermissionSet;
use vivero_core::user::BUILT_IN_ROLES;
use vivero_core::{EntityId, FileId, LocationId, UserId};
use world::{Answer, Person, Tenant, World, actor};

/// Whether `role` holds `permission` at all, by the core's own tables.
fn holds(role: &str, permission: &str) -> bool {
    let role = BUILT_IN_ROLES.iter().find(|r| r.name == role).expect("a built-in role");
    PermissionSet::new(role.grants).scopes(permission).is_some()
}

/// A record that `operation` can be done to: fresh, and in the state it needs.
async fn target(tenant: &Tenant, person: &Person, operation: &Operation, name: &str) -> Uuid {
    let (site, bed) = tenant.sites[0];
    let session = &tenant.session;
    let deleted = operation.path.ends_with("/recover");
    match operation.collection() {
        Some("entities") => {
            let id = tenant.lot(name, bed).await;
            if deleted {
                session
                    .entities()
                    .soft_delete(EntityId::from_uuid(id), None)
                    .await
                    .expect("a deletion");
            }
            id
        }
        Some("locations") => {
            let id = tenant.place(LocationKind::Bed, name, Some(site)).await;
            if deleted {
                session.locations().soft_delete(id, None).await.expect("a deletion");
            }
            id.uuid()
        }
        Some("files") => {
            let lot = tenant.lot(name, bed).await;
            let id = FileId::from_uuid(tenant.file(&format!("{name}.txt"), Some(lot)).await);
            if deleted {
                session.files().soft_delete(id, None).await.expect("a deletion");
            }
            id.uuid()
        }
        Some("users") => {
            let (id, _, _) = tenant.invite(name, vec![], vec![]).await;
            if deleted {
                session.users().soft_delete(UserId::from_uuid(id), None).await.expect("a deletion");
            }
            id
        }
        Some("roles") => {
            let grants = vec!["entity.read".parse().expect("a grant")];
            let new = vivero_core::service::NewRole {
                name: name.into(),
                description: String::new(),
                grants,
            };
            session.roles().create(new).await.expect("a role").record.id.uuid()
        }
        Some("sessions") => person.session.session_id().expect("a session").uuid(),
        None => Uuid::nil(),
        Some(other) => panic!("{other}: teach this test how to make one"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_role_may_do_exactly_what_is_declared() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let document = Document::read();
    let site = tenant.sites[0].0;
    let mut told = BTreeMap::<&str, (u32, u32)>::new();
    for role in ["Admin", "Manager", "Operator", "Viewer"] {
        for operation in document.operations() {
            let name = format!("{}-{}", role.to_lowercase(), operation.id.replace('_', "-"));
            let person = tenant.person(&world, &name, role, Some(site)).await;
            let id = target(&tenant, &person, &operation, &format!("{name}-target")).await;
            let allowed = match find(&operation.id).expect("a declared operation").requires {
                Requires::Nothing | Requires::SignIn => true,
                Requires::Permission(permission) => holds(role, permission),
                Requires::PlatformKey => false,
            };
            // Those who sign in do so as themselves; an invitation is for somebody new.
            let accepts = operation.id == "auth_accept_invitation";
            let (_, new, invitation) = tenant.invite(&format!("{name}-new"), vec![], vec![]).await;
            let signs_in = operation.path.contains("/auth/") || operation.path.contains("/me/");
            let topics = Topics {
                location: if operation.id == "entity_move" {
                    tenant.sites[0].1.uuid()
                } else {
                    site.uuid()
                },
                email: if signs_in { person.email.clone() } else { format!("x-{new}") },
                refresh_token: person.tokens.refresh_token.clone(),
                invitation,
                ..Topics::of(&tenant)
            };
            let body = operation.body.as_ref().map(|schema| document.sample(schema, &topics));
            let path = operation.at(&tenant.slug, &id.to_string());
            let bearer = if accepts { "" } else { person.tokens.access_token.as_str() };
            let before = world.state(&[&tenant]).await;
            let answer = world.call(&operation.method, &path, bearer, body.as_ref()).await;
            let what = format!("{role} at {}: {} {}", operation.id, answer.status, answer.text);
            let count = told.entry(role).or_default();
            if allowed {
                // A folder makes no links, whoever asks.
                let linkless = answer.json()["code"] == "file_links_unsupported";
                assert!(answer.status.is_success() || linkless, "{what}");
                count.0 += 1;
            } else {
                let refusal = match operation.security.as_str() {
                    "platform_key" => (401, json!("unauthenticated")),
                    _ => (403, json!("permission_missing")),
                };
                assert_eq!(
                    (answer.status.as_u16(), answer.json()["code"].clone()),
                    refusal,
                    "{what}"
                );
                assert_eq!(world.state(&[&tenant]).await, before, "{what}");
                count.1 += 1;
            }
        }
    }
    // The roles do differ: a walk in which everything was allowed would show nothing.
    assert!(
        told["Viewer"].1 > told["Manager"].1 && told["Manager"].1 > told["Admin"].1,
        "{told:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_works_within_their_site() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let ((site, bed), (other_site, other_bed)) = (tenant.sites[0], tenant.sites[1]);
    let (lot, other_lot) = (tenant.lots[0], tenant.lots[1]);
    let person = tenant.person(&world, "operator", "Operator", Some(site)).await;
    let operator = actor(&world, &tenant, &person.tokens.access_token);
    let ids = |answer: &Answer| -> Vec<String> {
        let body = answer.json();
        body["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|i| i["id"].as_str().expect("id").into())
            .collect()
    };
    let before = world.state(&[&tenant]).await;
    assert_eq!(ids(&operator.get("entities?total=true").await), [lot.to_string()]);
    assert_eq!(operator.get("entities?total=true").await.json()["total"], 1);
    assert!(ids(&operator.get(&format!("entities?location_id={other_site}")).await).is_empty());
    assert!(ids(&operator.get("entities?q=aster-lot-2").await).is_empty());
    assert_eq!(
        ids(&operator.get("locations?sort=path").await),
        [site.to_string(), bed.to_string()]
    );
    for path in [
        format!("entities/{other_lot}"),
        format!("locations/{other_bed}"),
        format!("locations/{other_site}"),
    ] {
        assert_eq!(operator.get(&path).await.status, 404, "{path}");
        assert_eq!(operator.get(&format!("{path}/history")).await.status, 404, "{path}");
    }
    let step = json!({"quantity_change": 1});
    let hidden = operator
        .send(Method::POST, &format!("entities/{other_lot}/transitions"), step.clone())
        .await;
    assert_eq!(hidden.status, 404);
    let edit = operator
        .send(Method::PATCH, &format!("entities/{other_lot}"), json!({"name": "mine"}))
        .await;
    assert_eq!(edit.status, 404);
    for (lot, to, status) in [(other_lot, bed, 404), (lot, other_bed, 400)] {
        let moved = operator
            .send(Method::POST, &format!("entities/{lot}/moves"), json!({"location_id": to}))
            .await;
        assert_eq!(moved.status, status, "{}", moved.text);
    }
    let new = |at: Value| json!({"code": "N-1", "name": "New", "type": "seed", "quantity": 1, "location_id": at});
    for (at, status) in [(json!(other_bed), 400), (Value::Null, 403)] {
        let made = operator.send(Method::POST, "entities", new(at)).await;
        assert_eq!(made.status, status, "{}", made.text);
    }
    assert_eq!(world.state(&[&tenant]).await, before);
    // What is theirs they can do.
    assert_eq!(operator.send(Method::POST, "entities", new(json!(bed))).await.status, 201);
    assert_eq!(
        operator.send(Method::POST, &format!("entities/{lot}/transitions"), step).await.status,
        200
    );
    let second = tenant.place(LocationKind::Bed, "1-C", Some(site)).await;
    let moved = operator
        .send(Method::POST, &format!("entities/{lot}/moves"), json!({"location_id": second}))
        .await;
    assert_eq!(moved.status, 200, "{}", moved.text);
    tenant.session.seal().await.expect("a head");
    let (events, _) = person.session.events(0, 200).await.expect("events");
    let hidden = [other_lot, other_bed.uuid(), other_site.uuid()];
    assert!(!events.is_empty() && events.iter().all(|e| !hidden.contains(&e.entry.record_id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_bite_on_the_next_request() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let admin = actor(&world, &tenant, &tenant.tokens.access_token);
    let person = tenant.person(&world, "walter", "Manager", None).await;
    let walter = actor(&world, &tenant, &person.tokens.access_token);
    let path = format!("users/{}", person.id);
    let new = json!({"code": "N-1", "name": "New", "type": "seed", "quantity": 1});
    let keyed = async || {
        let request = world.request(
            &Method::POST,
            &format!("/api/v1/{}/entities", tenant.slug),
            &walter.token,
        );
        world::answer(request.header("Idempotency-Key", "once").json(&new)).await
    };
    assert_eq!(keyed().await.status, 201);
    assert_eq!(walter.get("audit").await.status, 200);
    // Fewer rights: the token that was good a moment ago is still good, for less.
    assert_eq!(admin.edit(&path, json!({"roles": [tenant.roles["Viewer"]]})).await.status, 200);
    assert_eq!(walter.get("audit").await.status, 403);
    assert_eq!(walter.get("entities").await.status, 200);
    assert_eq!(
        keyed().await.status,
        403,
        "an answer given before is not given to who may not ask any more"
    );
    // More rights, through the role itself.
    let role = json!({"name": "Auditor", "grants": ["entity.read"]});
    let role = admin.send(Method::POST, "roles", role).await.json()["id"].clone();
    assert_eq!(admin.edit(&path, json!({"roles": [role]})).await.status, 200);
    assert_eq!(walter.get("audit").await.status, 403);
    let role_path = format!("roles/{}", role.as_str().expect("an id"));
    assert_eq!(
        admin.edit(&role_path, json!({"grants": ["entity.read", "audit.read"]})).await.status,
        200
    );
    assert_eq!(walter.get("audit").await.status, 200);
    // Disabled and enabled.
    let refresh = json!({"refresh_token": person.tokens.refresh_token});
    let login = json!({"email": person.email, "password": PASSWORD});
    assert_eq!(admin.edit(&path, json!({"status": "disabled"})).await.status, 200);
    assert_eq!(walter.get("entities").await.status, 401);
    assert_eq!(walter.send(Method::POST, "auth/refresh", refresh.clone()).await.status, 401);
    assert_eq!(walter.send(Method::POST, "auth/login", login.clone()).await.status, 401);
    assert_eq!(admin.edit(&path, json!({"status": "active"})).await.status, 200);
    let signed_in = walter.send(Method::POST, "auth/login", login.clone()).await.json();
    let walter = actor(&world, &tenant, signed_in["access_token"].as_str().expect("a token"));
    // Stopped and resumed as a tenant.
    let platform = async |what: &str| {
        let path = format!("/api/v1/platform/tenants/{}/{what}", tenant.slug);
        assert_eq!(world.call(&Method::POST, &path, PLATFORM_KEY, None).await.status, 200);
    };
    platform("suspend").await;
    let stopped = walter.get("entities").await;
    assert_eq!(
        (stopped.status.as_u16(), &stopped.json()["code"]),
        (403, &json!("tenant_suspended"))
    );
    assert_eq!(walter.send(Method::POST, "auth/login", login.clone()).await.status, 403);
    platform("resume").await;
    assert_eq!(walter.get("entities").await.status, 200);
    // Signed out: access and refresh token are worth nothing.
    assert_eq!(walter.send(Method::POST, "auth/logout", Value::Null).await.status, 204);
    assert_eq!(walter.get("entities").await.status, 401);
    let refresh = json!({"refresh_token": signed_in["refresh_token"]});
    assert_eq!(walter.send(Method::POST, "auth/refresh", refresh).await.status, 401);
    // Deleted.
    let signed_in = walter.send(Method::POST, "auth/login", login.clone()).await.json();
    let walter = actor(&world, &tenant, signed_in["access_token"].as_str().expect("a token"));
    assert_eq!(walter.get("entities").await.status, 200);
    assert_eq!(admin.send(Method::DELETE, &path, Value::Null).await.status, 200);
    assert_eq!(walter.get("entities").await.status, 401);
    assert_eq!(walter.send(Method::POST, "auth/login", login).await.status, 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_hands_out_more_than_they_have() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let admin = actor(&world, &tenant, &tenant.tokens.access_token);
    // Someone who governs people and roles, but may otherwise only look at stock.
    let grants = json!(["user.*", "role.*", "entity.read", "location.read@location"]);
    let clerk =
        admin.send(Method::POST, "roles", json!({"name": "Clerk", "grants": grants})).await.json();
    let clerk: vivero_core::RoleId = clerk["id"].as_str().expect("an id").parse().expect("an id");
    let (id, _, invitation) = tenant.invite("clerk", vec![clerk], vec![]).await;
    let body = json!({"token": invitation, "password": PASSWORD});
    let tokens = admin.send(Method::POST, "auth/invitations", body).await.json();
    let clerk = actor(&world, &tenant, tokens["access_token"].as_str().expect("a token"));
    let own = clerk
        .send(Method::POST, "roles", json!({"name": "Reader", "grants": ["entity.read"]}))
        .await;
    assert_eq!(own.status, 201);
    let reader = own.json()["id"].as_str().expect("an id").to_owned();
    let owner = tenant.session.user().expect("a person").record.id;
    let (guest, _, _) = tenant.invite("guest", vec![], vec![]).await;
    let before = world.state(&[&tenant]).await;
    for grant in [
        "*",
        "*.read",
        "entity.*",
        "entity.create",
        "audit.read",
        "location.read",
        "entity.update@own",
    ] {
        let made =
            clerk.send(Method::POST, "roles", json!({"name": "More", "grants": [grant]})).await;
        assert_eq!(
            (made.status.as_u16(), made.broken()),
            (400, vec!["grants own_grants".into()]),
            "{grant}"
        );
        let edited =
            clerk.edit(&format!("roles/{reader}"), json!({"grants": ["entity.read", grant]})).await;
        assert_eq!(
            (edited.status.as_u16(), edited.broken()),
            (400, vec!["grants own_grants".into()]),
            "{grant}"
        );
    }
    for role in ["Admin", "Manager", "Operator", "Viewer"] {
        let roles = json!([reader, tenant.roles[role]]);
        let person = json!({"email": "new@aster.example", "name": "New", "roles": roles});
        let made = clerk.send(Method::POST, "users", person).await;
        assert_eq!(
            (made.status.as_u16(), made.broken()),
            (400, vec!["roles.1 own_grants".into()]),
            "{role}"
        );
        for person in [guest, id] {
            let given = clerk.edit(&format!("users/{person}"), json!({"roles": roles})).await;
            assert_eq!(
                (given.status.as_u16(), given.broken()),
                (400, vec!["roles.1 own_grants".into()]),
                "{role}"
            );
        }
    }
    // Nor is someone who may do more edited, disabled or deleted by someone who may do less.
    for (method, body) in
        [(Method::PATCH, json!({"status": "disabled"})), (Method::DELETE, Value::Null)]
    {
        assert_eq!(clerk.send(method, &format!("users/{owner}"), body).await.status, 403);
    }
    let built_in = format!("roles/{}", tenant.roles["Viewer"]);
    for actor in [&admin, &clerk] {
        for (method, body) in
            [(Method::PATCH, json!({"name": "Mine"})), (Method::DELETE, Value::Null)]
        {
            assert_eq!(actor.send(method, &built_in, body).await.status, 409);
        }
    }
    assert_eq!(world.state(&[&tenant]).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_admin_stays() {
    let world = World::start().await;
    let tenant = world.tenant("aster").await;
    let admin = actor(&world, &tenant, &tenant.tokens.access_token);
    let path = format!("users/{}", tenant.session.user().expect("a person").record.id);
    // Being invited is not being there.
    tenant.invite("second", vec![tenant.roles["Admin"]], Vec::<LocationId>::new()).await;
    let ways = [json!({"roles": [tenant.roles["Manager"]]}), json!({"status": "disabled"})];
    let before = world.state(&[&tenant]).await;
    for body in &ways {
        let refused = admin.edit(&path, body.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["code"]),
            (409, &json!("last_admin")),
            "{body}"
        );
    }
    assert_eq!(admin.send(Method::DELETE, &path, Value::Null).await.status, 409);
    assert_eq!(world.state(&[&tenant]).await, before);
    let third = tenant.person(&world, "third", "Admin", None).await;
    assert_eq!(admin.edit(&path, ways[0].clone()).await.status, 200);
    let third = actor(&world, &tenant, &third.tokens.access_token);
    assert_eq!(third.send(Method::DELETE, &path, Value::Null).await.status, 200);
}
