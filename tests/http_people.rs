//! People, their roles and their sign-ins, by the typed client against the real server.

#[path = "support/server.rs"]
mod server;

use futures_util::TryStreamExt as _;
use server::{PASSWORD, TestServer, manual_clock};
use vivero_client::{
    EntityIn, EntityType, Error, RoleIn, RolePatch, UserIn, UserPatch, UserStatus,
};

#[tokio::test]
async fn people_get_roles_and_lose_them() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let viewer = server.person(&acme, "vera", "Viewer").await;
    let me = viewer.me().await.expect("me");
    assert_eq!(
        (me.user.email.as_str(), me.role_names),
        ("vera@acme.example", vec!["Viewer".to_owned()])
    );
    let lot = EntityIn::new("L-1", "Lavandula angustifolia 'Hidcote'", EntityType::YoungPlant, 480);
    let error = viewer.entities().create(lot).await.expect_err("only looking");
    assert!(error.is_forbidden());
    assert_eq!(error.code(), Some("permission_missing"));

    let role = RoleIn {
        description: Some("Scans".into()),
        ..RoleIn::new("Scanner", ["entity.create", "entity.read"])
    };
    let role = acme.roles().create(role).await.expect("a role");
    assert_eq!(acme.roles().get(role.id).await.expect("found"), role);
    let patch = RolePatch { grants: Some(vec!["entity.read".into()]), ..RolePatch::default() };
    let role = acme.roles().update(role.id, role.version, patch).await.expect("edited");
    assert_eq!(role.grants, ["entity.read"]);
    let roles: Vec<_> =
        acme.roles().list().sort("name").limit(2).stream().try_collect().await.expect("roles");
    assert_eq!(roles.iter().filter(|r| r.built_in).count(), 4);
    let built_in = roles.iter().find(|r| r.name == "Viewer").expect("a built-in role");
    acme.roles().delete(built_in.id).await.expect_err("built in");
    let nobody = RoleIn::new("Bad", ["everything"]);
    assert!(!acme.roles().create(nobody).await.expect_err("no grant").field_errors().is_empty());

    let people = acme.users();
    let vera = people.get(me.user.id).await.expect("vera");
    let patch = UserPatch { roles: Some(vec![role.id]), ..UserPatch::default() };
    let vera = people.update(vera.id, vera.version, patch).await.expect("another role");
    assert!(acme.roles().delete(role.id).await.expect_err("somebody has it").is_conflict());
    assert_eq!(viewer.me().await.expect("me").role_names, ["Scanner"]);
    let patch = UserPatch { roles: Some(Vec::new()), ..UserPatch::default() };
    let vera = people.update(vera.id, vera.version, patch).await.expect("no role at all");
    assert!(vera.roles.is_empty());
    acme.roles().delete(role.id).await.expect("nobody has it");
    assert!(viewer.entities().list().send().await.expect_err("no role").is_forbidden());
    let patch = UserPatch { status: Some(UserStatus::Disabled), ..UserPatch::default() };
    people.update(vera.id, vera.version, patch).await.expect("disabled");
    assert!(viewer.me().await.expect_err("disabled").is_unauthenticated());
    let disabled =
        people.list().status(UserStatus::Disabled).q("vera").send().await.expect("people");
    assert_eq!(disabled.items.len(), 1);
    people.delete(vera.id).await.expect("deleted");
    assert_eq!(people.list().deleted().send().await.expect("the bin").items.len(), 1);
    people.recover(vera.id).await.expect("back");
    assert!(people.history(vera.id).send().await.expect("history").items.len() >= 5);
    let own = acme.me().await.expect("me").user;
    let patch = UserPatch { roles: Some(Vec::new()), ..UserPatch::default() };
    acme.users().update(own.id, own.version, patch).await.expect_err("the last Admin stays");
    let bad = UserIn::new("nobody", "Nobody");
    assert!(acme.users().invite(bad).await.expect_err("no address").field_error("email").is_some());
}

#[tokio::test]
async fn sign_ins_end_when_they_should() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let entrance = server.client().tenant("acme");
    for (email, password) in [("owner@acme.example", "wrong"), ("nobody@acme.example", PASSWORD)] {
        let error = entrance.sign_in(email, password).await.expect_err("refused");
        assert!(error.is_unauthenticated() && !matches!(error, Error::SignedOut), "{error:?}");
    }
    let elsewhere =
        server.client().tenant("nobody-here").sign_in("owner@acme.example", PASSWORD).await;
    assert!(elsewhere.expect_err("no tenant").is_unauthenticated());

    let phone = entrance.sign_in("owner@acme.example", PASSWORD).await.expect("signed in");
    let tablet = entrance.sign_in("owner@acme.example", PASSWORD).await.expect("signed in");
    let sessions = acme.sessions().await.expect("sessions");
    assert_eq!((sessions.len(), sessions.iter().filter(|s| s.current).count()), (3, 1));
    assert!(sessions[0].user_agent.as_deref().is_some_and(|a| a.starts_with("vivero-client/")));
    let lost = phone.me().await.expect("me").session_id;
    acme.end_session(lost).await.expect("ended");
    assert!(matches!(phone.me().await, Err(Error::SignedOut)));
    let wrong = acme.change_password("not this", "five warm cold frames").await.expect_err("wrong");
    assert!(wrong.field_error("old_password").is_some(), "{wrong:?}");
    acme.change_password(PASSWORD, "five warm cold frames").await.expect("changed");
    assert!(matches!(tablet.me().await, Err(Error::SignedOut)));
    let again =
        entrance.sign_in("owner@acme.example", "five warm cold frames").await.expect("signed in");
    let kept = again.tokens().await.expect("tokens");
    again.sign_out().await.expect("signed out");
    let revived = entrance.with_tokens(kept).expect("a client");
    assert!(matches!(revived.me().await, Err(Error::SignedOut)));
    acme.me().await.expect("this one stays");
}

#[tokio::test]
async fn an_expired_token_is_refreshed_by_itself_until_the_sign_in_is_over() {
    let clock = manual_clock();
    let server = TestServer::builder().clock(clock.clone()).start().await;
    let acme = server.tenant("acme").await;
    let before = acme.tokens().await.expect("tokens");
    clock.advance(chrono::Duration::minutes(16));
    let calls = (0..20).map(|_| {
        let acme = acme.clone();
        tokio::spawn(async move { acme.dashboard().await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.expect("a task").expect("a dashboard");
    }
    let after = acme.tokens().await.expect("tokens");
    assert_ne!(before.refresh_token, after.refresh_token);
    // Reuse of the old one would end the family: the clones used it once.
    clock.advance(chrono::Duration::minutes(16));
    acme.me().await.expect("still signed in");
    clock.advance(chrono::Duration::days(31));
    assert!(matches!(acme.me().await, Err(Error::SignedOut)));
}
