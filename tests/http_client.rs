//! The typed client against the real server: every method, and what typically goes wrong. People and their sign-ins
//! are in `http_people.rs`.

#[path = "support/server.rs"]
mod server;

use futures_util::{StreamExt as _, TryStreamExt as _};
use server::{PASSWORD, PLATFORM_KEY, TestServer};
use std::time::Duration;
use uuid::Uuid;
use vivero_client::{
    Change, Entity, EntityIn, EntityPatch, EntityType, Error, Event, EventStream, Grade,
    LocationIn, LocationKind, LocationPatch, OperationType, Plan, Stage, Status, TenantClient,
    TenantIn, TenantState, TransitionIn, TrialIn, Unit,
};

fn lot(code: &str) -> EntityIn {
    EntityIn::new(code, "Lavandula angustifolia 'Hidcote'", EntityType::YoungPlant, 480)
}

async fn bed(acme: &TenantClient) -> Uuid {
    let site = LocationIn::new(LocationKind::Site, "S1", "Home nursery");
    let site = acme.locations().create(site).await.expect("a site");
    let house = LocationIn::new(LocationKind::Greenhouse, "G1", "Glass 1");
    let house = LocationIn { parent_id: Some(site.id), ..house };
    let house = acme.locations().create(house).await.expect("a greenhouse");
    let bed = LocationIn::new(LocationKind::Bed, "G1-B7", "Bed 7");
    let bed = LocationIn { parent_id: Some(house.id), area_dm2: Some(1200), ..bed };
    acme.locations().create(bed).await.expect("a bed").id
}

async fn next(events: &mut EventStream) -> Event {
    let next = tokio::time::timeout(Duration::from_secs(20), events.next()).await;
    next.expect("an event in time").expect("the stream goes on").expect("an event")
}

#[tokio::test]
async fn a_trial_is_signed_in_at_once_and_the_same_key_gives_the_same_tenant() {
    let server = TestServer::start().await;
    let client = server.client();
    assert!(client.is_live().await.expect("live") && client.is_ready().await.expect("ready"));
    let wanted = TrialIn {
        name: Some("Ana".into()),
        operation_type: Some(OperationType::Mixed),
        ..TrialIn::new("Viveros del Sur", "ana@sur.example", PASSWORD)
    };
    let trials = client.trials().idempotency_key("sign-up-1");
    let trial = trials.create(wanted.clone()).await.expect("a trial");
    let again = trials.create(wanted).await.expect("the same trial");
    assert_eq!(trial.tenant, again.tenant);
    assert_eq!(
        (trial.tenant.slug.as_str(), trial.tenant.plan.as_str()),
        ("viveros-del-sur", "trial")
    );
    let sur = client.tenant(&trial.tenant.slug).with_tokens(trial.tokens).expect("a client");
    let me = sur.me().await.expect("me");
    assert_eq!((me.user.name.as_str(), me.standing.as_str()), ("Ana", "full"));
    assert_eq!(me.role_names, ["Admin"]);

    let bad = TrialIn { slug: Some("A".into()), ..TrialIn::new("", "nobody", "x") };
    let error = client.trials().create(bad).await.expect_err("bad input");
    assert!(error.is_invalid());
    assert!(!error.field_errors().is_empty() && error.request_id().is_some());
}

#[tokio::test]
async fn entities_live_their_life() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let bed = bed(&acme).await;
    let new = EntityIn {
        batch_number: Some("B-1".into()),
        unit: Some(Unit::Plant),
        attributes: serde_json::from_str(r#"{"colour": "violet"}"#).expect("an object"),
        ..lot("L-1")
    };
    let made = acme.entities().create(new).await.expect("created");
    assert_eq!(
        (made.version, made.status, made.stage),
        (1, Status::Registered, Stage::Propagation)
    );
    assert_eq!(acme.entities().get(made.id).await.expect("found"), made);

    let patch = EntityPatch {
        quality_grade: Some(Grade::First),
        batch_number: Some(Change::Clear),
        attributes: Some(serde_json::Map::new()),
        started_on: Some("2026-03-01".parse::<chrono::NaiveDate>().expect("a day").into()),
        ..EntityPatch::default()
    };
    let edited = acme.entities().update(made.id, made.version, patch).await.expect("edited");
    assert_eq!(
        (edited.version, edited.quality_grade, &edited.batch_number),
        (2, Grade::First, &None)
    );
    assert!(edited.attributes.is_empty() && edited.started_on.is_some());

    let step = TransitionIn { stage: Some(Stage::Rooting), ..TransitionIn::to(Status::Processing) };
    let grown = acme.entities().transition(made.id, step).await.expect("processing");
    assert_eq!((grown.status, grown.stage), (Status::Processing, Stage::Rooting));
    let fewer = TransitionIn::counted(-80).because("frost");
    let fewer =
        acme.entities().expecting(grown.version).transition(made.id, fewer).await.expect("fewer");
    assert_eq!(fewer.quantity, 400);
    let late = acme
        .entities()
        .expecting(grown.version)
        .transition(made.id, TransitionIn::counted(5))
        .await;
    assert!(late.expect_err("too late").is_conflict());
    let illegal = acme.entities().transition(made.id, TransitionIn::to(Status::Archived)).await;
    assert_eq!(illegal.expect_err("not yet").code(), Some("transition_not_allowed"));
    let moved = acme.entities().move_to(made.id, bed).await.expect("moved");
    assert_eq!(moved.location_id, Some(bed));
    let nowhere = acme.entities().move_to(made.id, Uuid::max()).await.expect_err("no such place");
    assert!(nowhere.field_error("location_id").is_some() || nowhere.is_not_found(), "{nowhere}");

    let gone = acme.entities().delete(made.id).await.expect("deleted");
    assert!(gone.deleted_at.is_some());
    let error = acme.entities().get(made.id).await.expect_err("deleted");
    assert!(error.is_not_found());
    assert_eq!(error.code(), Some("entity_not_found"));
    let bin = acme.entities().list().deleted().send().await.expect("the bin");
    assert_eq!(bin.items.len(), 1);
    let back = acme.entities().recover(made.id).await.expect("back");
    assert_eq!((back.deleted_at, back.location_id), (None, Some(bed)));

    let history: Vec<_> =
        acme.entities().history(made.id).limit(2).stream().try_collect().await.expect("history");
    let versions = history.iter().map(|entry| entry.version).collect::<Vec<_>>();
    assert_eq!(versions, (1..=back.version).rev().collect::<Vec<_>>());
    let graded =
        &history.iter().find(|e| e.version == 2).expect("the edit").changes["quality_grade"];
    assert_eq!((&graded.before, &graded.after), (&"ungraded".into(), &"first".into()));
}

#[tokio::test]
async fn edits_of_different_fields_merge_and_of_the_same_conflict_with_three_values() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let made = acme.entities().create(lot("L-1")).await.expect("created");
    let name = |name: &str| EntityPatch { name: Some(name.into()), ..EntityPatch::default() };
    acme.entities().update(made.id, 1, name("theirs")).await.expect("edited");
    let batch = EntityPatch { batch_number: Some("B-9".into()), ..EntityPatch::default() };
    let merged = acme.entities().update(made.id, 1, batch).await.expect("merged");
    assert_eq!((merged.name.as_str(), merged.batch_number.as_deref()), ("theirs", Some("B-9")));

    let error = acme.entities().update(made.id, 1, name("mine")).await.expect_err("a conflict");
    assert!(error.is_conflict());
    let conflict = error.conflict().expect("a conflict");
    assert_eq!(conflict.current_version, merged.version);
    let [field] = conflict.fields else { panic!("one field, not {:?}", conflict.fields) };
    assert_eq!(field.field, "name");
    assert_eq!(
        (&field.base, &field.theirs, &field.mine),
        (&made.name.into(), &"theirs".into(), &"mine".into())
    );
    let resolved = acme.entities().update(made.id, conflict.current_version, name("mine")).await;
    assert_eq!(resolved.expect("resolved").name, "mine");
}

#[tokio::test]
async fn bad_input_names_the_field() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let error =
        acme.entities().create(EntityIn { quantity: -1, ..lot("") }).await.expect_err("bad");
    assert!(error.is_invalid() && error.conflict().is_none());
    for field in ["code", "quantity"] {
        let wrong = error.field_error(field).unwrap_or_else(|| panic!("{field} in {error:?}"));
        assert!(!wrong.rule.is_empty() && !wrong.message.is_empty());
    }
    let error = acme.entities().list().sort("colour").send().await.expect_err("no such sort");
    assert!(error.field_error("sort").is_some(), "{error:?}");
    let error = acme.entities().list().limit(201).send().await.expect_err("too many");
    assert!(error.field_error("limit").is_some(), "{error:?}");
    let error = acme.entities().list().cursor("nonsense").send().await.expect_err("no cursor");
    assert!(error.field_error("cursor").is_some(), "{error:?}");
    acme.entities().create(lot("L-1")).await.expect("created");
    let error = acme.entities().create(lot("L-1")).await.expect_err("taken");
    assert!(error.is_conflict() && error.conflict().is_none());
    assert_eq!(error.code(), Some("entity_code_taken"));
}

#[tokio::test]
async fn the_same_key_creates_once_and_never_something_else() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let entities = acme.entities().idempotency_key("scan-77");
    let first = entities.create(lot("L-1")).await.expect("created");
    let again = entities.create(lot("L-1")).await.expect("the same");
    assert_eq!(first, again);
    let error = entities.create(lot("L-2")).await.expect_err("another request");
    assert_eq!(error.code(), Some("idempotency_key_reused"));
    let page = acme.entities().list().total().send().await.expect("a page");
    assert_eq!(page.total, Some(1));
}

#[tokio::test]
async fn lists_filter_search_sort_and_page() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let bed = bed(&acme).await;
    for n in 0..25 {
        let location_id = (n % 5 == 0).then_some(bed);
        let entity = EntityIn {
            location_id,
            batch_number: Some(format!("B{}", n % 2)),
            ..lot(&format!("L-{n:02}"))
        };
        acme.entities().create(entity).await.expect("created");
    }
    let request = || acme.entities().list().sort("-code").limit(10);
    let first = request().total().send().await.expect("page 1");
    assert_eq!((first.items.len(), first.total), (10, Some(25)));
    let second =
        request().cursor(first.next_cursor.expect("a cursor")).send().await.expect("page 2");
    let third =
        request().cursor(second.next_cursor.expect("a cursor")).send().await.expect("page 3");
    assert_eq!((third.items.len(), third.next_cursor), (5, None));
    let codes = |entities: Vec<Entity>| entities.into_iter().map(|e| e.code).collect::<Vec<_>>();
    let paged = [first.items, second.items, third.items].concat();
    let expected = (0..25).rev().map(|n| format!("L-{n:02}")).collect::<Vec<_>>();
    assert_eq!(codes(paged), expected);
    assert_eq!(codes(request().stream().try_collect().await.expect("all")), expected);

    let site = acme
        .locations()
        .list()
        .kind(LocationKind::Site)
        .send()
        .await
        .expect("sites")
        .items
        .remove(0);
    let there =
        acme.entities().list().location(site.id).batch_number("B0").kind(EntityType::YoungPlant);
    let there =
        there.status(Status::Registered).stage(Stage::Propagation).quality_grade(Grade::Ungraded);
    assert_eq!(
        codes(there.sort("code").send().await.expect("a page").items),
        ["L-00", "L-10", "L-20"]
    );
    let found = acme.entities().list().q("hidcote L-17").send().await.expect("found");
    assert_eq!(codes(found.items), ["L-17"]);
}

#[tokio::test]
async fn locations_form_a_tree() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let bed = bed(&acme).await;
    let places = acme.locations();
    let stored = places.get(bed).await.expect("a bed");
    assert_eq!((stored.area_dm2, stored.path.matches('/').count()), (Some(1200), 3));
    let house = stored.parent_id.expect("a greenhouse");
    assert_eq!(
        places.list().parent(house).send().await.expect("beds").items,
        std::slice::from_ref(&stored)
    );
    assert_eq!(places.list().within(house).send().await.expect("places").items.len(), 2);
    assert_eq!(
        places.list().q("glass").stream().try_collect::<Vec<_>>().await.expect("found").len(),
        1
    );
    let patch = LocationPatch {
        area_dm2: Some(Change::Clear),
        name: Some("Bed seven".into()),
        ..LocationPatch::default()
    };
    let edited = places.update(bed, stored.version, patch).await.expect("edited");
    assert_eq!((edited.area_dm2, edited.name.as_str()), (None, "Bed seven"));
    assert!(places.delete(house).await.expect_err("not empty").is_conflict());
    places.delete(bed).await.expect("deleted");
    assert!(places.get(bed).await.expect_err("deleted").is_not_found());
    assert_eq!(places.list().deleted().send().await.expect("the bin").items.len(), 1);
    places.recover(bed).await.expect("back");
    assert_eq!(places.history(bed).send().await.expect("history").items.len(), 4);
    let wrong = LocationIn::new(LocationKind::Bed, "X", "A bed in the sky");
    assert!(places.create(wrong).await.expect_err("no site").field_error("parent_id").is_some());
}

#[tokio::test]
async fn events_come_live_and_go_on_after_the_server_was_away() {
    let mut server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let first = acme.entities().create(lot("L-1")).await.expect("created");
    let mut events = acme.events().after(0).open();
    let mut seen = Vec::new();
    loop {
        let event = next(&mut events).await;
        seen.push(event.position);
        if event.record_id == first.id {
            assert_eq!(
                (event.action.as_str(), event.resource.as_str()),
                ("entity.create", "entity")
            );
            break;
        }
    }
    let second = acme.entities().create(lot("L-2")).await.expect("created");
    let live = next(&mut events).await;
    assert_eq!(live.record_id, second.id);
    seen.push(live.position);

    // From now on: what was before does not come.
    let mut fresh = acme.events().open();
    let (third, event) = tokio::join!(
        async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            acme.entities().create(lot("L-3")).await.expect("created")
        },
        next(&mut fresh)
    );
    assert_eq!(event.record_id, third.id);
    assert_eq!(event.changes["code"].after, "L-3");

    server.stop().await;
    assert!(acme.me().await.expect_err("away").is_temporary());
    server.start_again().await;
    let fourth = acme.entities().create(lot("L-4")).await.expect("created");
    for expected in [third.id, fourth.id] {
        let event = next(&mut events).await;
        assert_eq!(event.record_id, expected);
        seen.push(event.position);
    }
    assert_eq!(next(&mut fresh).await.record_id, fourth.id);
    assert!(seen.is_sorted() && seen.windows(2).all(|w| w[0] < w[1]), "{seen:?}");
    let last = *seen.last().expect("a position");
    let error = acme
        .events()
        .after(last + 1000)
        .open()
        .next()
        .await
        .expect("an item")
        .expect_err("not yet");
    assert!(error.field_error("after").is_some(), "{error:?}");
}

#[tokio::test]
async fn a_stream_ends_with_the_sign_in() {
    let heartbeat = Duration::from_millis(300);
    let server = TestServer::builder().options(|o| o.heartbeat = heartbeat).start().await;
    let acme = server.tenant("acme").await;
    let viewer = server.person(&acme, "vera", "Viewer").await;
    let lot_1 = acme.entities().create(lot("L-1")).await.expect("created");
    let mut events = viewer.events().after(0).open();
    // What the viewer may not read does not come.
    assert_eq!(next(&mut events).await.record_id, lot_1.id);
    viewer.sign_out().await.expect("signed out");
    acme.entities().create(lot("L-2")).await.expect("created");
    let end = tokio::time::timeout(Duration::from_secs(30), async {
        while let Some(event) = events.next().await {
            if let Err(error) = event {
                return Some(error);
            }
        }
        None
    });
    assert!(matches!(end.await.expect("an end"), Some(Error::SignedOut)));
}

#[tokio::test]
async fn the_dashboard_and_the_audit_trail_follow_what_is_done() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    for n in 0..3 {
        acme.entities().create(lot(&format!("L-{n}"))).await.expect("created");
    }
    let mut board = acme.dashboard().await.expect("a dashboard");
    for _ in 0..200 {
        if board.entities.total == 3 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        board = acme.dashboard().await.expect("a dashboard");
    }
    assert_eq!((board.entities.total, board.entities.quantity), (3, 3 * 480));
    assert_eq!(board.entities.by_status["registered"], 3);
    let report = acme.audit().verify().await.expect("a report");
    assert!(report.breaks.is_empty() && report.checked > 3, "{report:?}");
    let page = acme.audit().list().limit(2).send().await.expect("a page");
    assert_eq!(page.items.len(), 2);
    let all: Vec<_> = acme.audit().list().limit(2).stream().try_collect().await.expect("the trail");
    let positions = all.iter().map(|e| e.position).collect::<Vec<_>>();
    assert_eq!(positions, (1..=all[0].position).rev().collect::<Vec<_>>());
    let viewer = server.person(&acme, "vera", "Viewer").await;
    assert!(viewer.audit().verify().await.expect_err("not for her").is_forbidden());
}

#[tokio::test]
async fn operators_run_the_installation() {
    let server = TestServer::start().await;
    let client = server.client();
    let platform = client.platform(PLATFORM_KEY);
    for slug in ["aster", "begonia", "crocus"] {
        let plan = (slug == "begonia").then_some(Plan::Trial);
        let tenant = TenantIn {
            slug: Some(slug.into()),
            plan,
            ..TenantIn::new(slug, "o@x.example", PASSWORD)
        };
        let key = platform.tenants().idempotency_key(slug);
        let made = key.create(tenant.clone()).await.expect("a tenant");
        assert_eq!(key.create(tenant).await.expect("the same tenant"), made);
    }
    let all: Vec<_> =
        platform.tenants().list().limit(2).stream().try_collect().await.expect("tenants");
    let plans = all.iter().map(|t| (t.slug.as_str(), t.plan.as_str())).collect::<Vec<_>>();
    assert_eq!(plans, [("aster", "contract"), ("begonia", "trial"), ("crocus", "contract")]);
    let aster = client.tenant("aster").sign_in("o@x.example", PASSWORD).await.expect("signed in");
    let stopped = platform.tenants().suspend("aster").await.expect("suspended");
    assert_eq!(stopped.state, TenantState::Suspended);
    let error = aster.me().await.expect_err("suspended");
    assert_eq!(error.code(), Some("tenant_suspended"));
    platform.tenants().resume("aster").await.expect("resumed");
    aster.me().await.expect("back");
    assert_eq!(platform.tenants().get("crocus").await.expect("found"), all[2]);
    assert!(platform.tenants().get("dahlia").await.expect_err("no such").is_not_found());
    assert_eq!(platform.stats().await.expect("figures").tenants, 3);
    let usage = platform.tenants().usage("aster").await.expect("figures");
    assert_eq!(
        (usage.slug.as_str(), usage.requests.total, usage.requests.refused),
        ("aster", 1, 0)
    );
    assert!(usage.store.reads > 0 && usage.store.storage_bytes.is_some_and(|bytes| bytes > 0));
    assert!(platform.tenants().usage("dahlia").await.expect_err("no such").is_not_found());
    let error = client.platform("viv_wrong").stats().await.expect_err("wrong key");
    assert!(error.is_unauthenticated());

    // Another tenant's record is not there, whoever asks.
    let crocus = client.tenant("crocus").sign_in("o@x.example", PASSWORD).await.expect("signed in");
    let lot = aster.entities().create(lot("L-1")).await.expect("created");
    assert!(crocus.entities().get(lot.id).await.expect_err("not theirs").is_not_found());
    let stray = client
        .tenant("crocus")
        .with_tokens(aster.tokens().await.expect("tokens"))
        .expect("a client");
    assert!(stray.me().await.is_err());
}
