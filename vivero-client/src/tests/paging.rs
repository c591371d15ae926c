//! Pages as one stream.

use crate::fake::{Fake, Reply};
use crate::{EntityType, Status};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json;
use uuid::Uuid;

fn page(numbers: std::ops::Range<u32>, next: Option<&str>) -> Reply {
    let items = numbers.map(|n| {
        json!({"id": Uuid::nil(), "name": format!("role {n}"), "description": "", "grants": [], "built_in": false,
               "version": 1, "created_at": "2026-03-01T00:00:00Z", "created_by": Uuid::nil(),
               "updated_at": "2026-03-01T00:00:00Z", "updated_by": Uuid::nil()})
    });
    let mut page = json!({"items": items.collect::<Vec<_>>()});
    if let Some(next) = next {
        page["next_cursor"] = next.into();
    }
    Reply::Json(200, page.to_string())
}

#[tokio::test]
async fn a_stream_goes_through_all_pages_and_asks_for_each_when_it_is_needed() {
    let fake = Fake::start(|_, n| match n {
        0 => page(0..3, Some("a b&c")),
        // A page can be empty without being the last.
        1 => page(3..3, Some("d")),
        _ => page(3..5, None),
    })
    .await;
    let acme = fake.tenant();
    let mut roles = acme.roles().list().q("x y").sort("-name").limit(3).total().stream();
    for n in 0..3 {
        let role = roles.next().await.expect("a role").expect("no error");
        assert_eq!(role.name, format!("role {n}"));
    }
    assert_eq!(fake.asked().len(), 1);
    let rest: Vec<_> = roles.try_collect().await.expect("the rest");
    assert_eq!(rest.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["role 3", "role 4"]);
    let lines = fake.asked().into_iter().map(|a| a.line).collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            "GET /api/v1/acme/roles?limit=3&q=x+y&sort=-name&total=true",
            "GET /api/v1/acme/roles?cursor=a+b%26c&limit=3&q=x+y&sort=-name",
            "GET /api/v1/acme/roles?cursor=d&limit=3&q=x+y&sort=-name",
        ]
    );
}

#[tokio::test]
async fn an_error_ends_the_stream() {
    let fake = Fake::start(|_, n| match n {
        0 => page(0..1, Some("next")),
        _ => Reply::problem(400, "invalid_input"),
    })
    .await;
    let acme = fake.tenant();
    let all = acme.roles().list().stream().collect::<Vec<_>>().await;
    assert_eq!(all.len(), 2);
    assert!(all[0].is_ok() && matches!(&all[1], Err(e) if e.is_invalid()));
}

#[tokio::test]
async fn every_filter_goes_into_the_query() {
    let fake = Fake::start(|_, _| Reply::Json(200, r#"{"items":[]}"#.into())).await;
    let acme = fake.tenant();
    let list = acme.entities().list().kind(EntityType::YoungPlant).status(Status::OnHold);
    let list = list.stage(crate::Stage::Propagation).location(Uuid::nil()).batch_number("B 1");
    list.quality_grade(crate::Grade::Ungraded).deleted().cursor("c").send().await.expect("a page");
    acme.locations().list().within(Uuid::nil()).parent(Uuid::nil()).send().await.expect("a page");
    acme.users().list().status(crate::UserStatus::Active).send().await.expect("a page");
    let nil = Uuid::nil();
    let lines = fake.asked().into_iter().map(|a| a.line).collect::<Vec<_>>();
    assert_eq!(
        lines,
        [
            format!(
                "GET /api/v1/acme/entities?batch_number=B+1&cursor=c&deleted=true&location_id={nil}&quality_grade=ungraded&stage=propagation&status=on_hold&type=young_plant"
            ),
            format!("GET /api/v1/acme/locations?parent_id={nil}&within={nil}"),
            "GET /api/v1/acme/users?status=active".into(),
        ]
    );
}

#[tokio::test]
async fn histories_go_back_by_version() {
    let entry = |version: i64| {
        json!({"at": "2026-03-01T00:00:00Z", "actor": {"kind": "platform"}, "action": "entity.update",
               "resource": "entity", "record_id": Uuid::nil(), "version": version,
               "changes": {"name": {"before": null, "after": "x"}}})
    };
    let fake = Fake::start(move |_, n| {
        Reply::Json(
            200,
            match n {
                0 => json!({"items": [entry(3), entry(2)], "next_before": 2}).to_string(),
                _ => json!({"items": [entry(1)]}).to_string(),
            },
        )
    })
    .await;
    let acme = fake.tenant();
    let all: Vec<_> = acme
        .entities()
        .history(Uuid::nil())
        .limit(2)
        .stream()
        .try_collect()
        .await
        .expect("a history");
    assert_eq!(all.iter().map(|e| e.version).collect::<Vec<_>>(), [3, 2, 1]);
    assert!(
        fake.asked()[1].line.ends_with("/history?before=2&limit=2"),
        "{:?}",
        fake.asked()[1].line
    );
}
