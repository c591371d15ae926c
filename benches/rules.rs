//! The rules that run in every request: permission check, scope predicate, token verification, cursors.
//!
//! `cargo bench --bench rules`

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use vivero_core::entity::Entity;
use vivero_core::permission::{Grant, PermissionSet, Scope, scope_predicate};
use vivero_core::token::Tokens;
use vivero_core::user::BUILT_IN_ROLES;
use vivero_core::{
    Clock as _, Cursor, IdSource as _, LocationId, Record as _, SessionId, TenantId, UserId, Value,
};
use vivero_store::{SystemClock, SystemIds};

fn permissions(c: &mut Criterion) {
    let operator = BUILT_IN_ROLES.iter().find(|r| r.name == "Operator").expect("a built-in role");
    let operator = PermissionSet::new(operator.grants);
    let manager = BUILT_IN_ROLES.iter().find(|r| r.name == "Manager").expect("a built-in role");
    let manager = PermissionSet::new(manager.grants);
    c.bench_function("permission check, exact grant", |b| {
        b.iter(|| operator.scopes(black_box("entity.update")))
    });
    c.bench_function("permission check, resource.*", |b| {
        b.iter(|| manager.scopes(black_box("entity.update")))
    });
    c.bench_function("permission check, refused", |b| {
        b.iter(|| operator.scopes(black_box("role.delete")))
    });
    let ids = SystemIds::default();
    let id = || ids.id(SystemClock.now());
    let places: Vec<_> = (0..5).map(|_| LocationId::from_uuid(id())).collect();
    let set = PermissionSet::new(&[
        Grant::within("entity.read", Scope::Location),
        Grant::within("entity.read", Scope::Own),
    ]);
    let scopes = set.scopes("entity.read").expect("granted");
    let user = UserId::from_uuid(id());
    c.bench_function("scope predicate, own or 5 locations", |b| {
        b.iter(|| scope_predicate(black_box(scopes), Entity::SCHEMA, Some(user), &places));
    });
}

fn tokens(c: &mut Criterion) {
    let ids = SystemIds::default();
    let now = SystemClock.now();
    let issue = |tokens: &Tokens| {
        let tenant = TenantId::from_uuid(ids.id(now));
        let user = UserId::from_uuid(ids.id(now));
        tokens.issue(tenant, user, SessionId::from_uuid(ids.id(now)), now).expect("a token")
    };
    let tokens = Tokens::new(&[7; 32], [8; 32]).expect("keys");
    let token = issue(&tokens);
    c.bench_function("token verify, seen before", |b| {
        b.iter(|| tokens.verify(black_box(&token), now))
    });
    c.bench_function("token verify, first time", |b| {
        // Every token is new to the verifier: the signature is checked each time.
        b.iter_batched(
            || issue(&tokens),
            |token| tokens.verify(&token, now),
            criterion::BatchSize::SmallInput,
        );
    });
}

fn cursors(c: &mut Criterion) {
    let cursor = Cursor {
        sort: "-name".into(),
        key: Value::Text("Lavandula angustifolia 'Hidcote'".into()),
        seq: 123_456,
    };
    let text = cursor.encode();
    c.bench_function("cursor encode", |b| b.iter(|| black_box(&cursor).encode()));
    c.bench_function("cursor decode", |b| b.iter(|| Cursor::decode(black_box(&text), "-name")));
}

criterion_group!(rules, permissions, tokens, cursors);
criterion_main!(rules);
