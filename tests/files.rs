//! Files through the typed client against the real server: in, out, on record, gone.

#[path = "support/server.rs"]
mod server;

use chrono::Duration;
use futures_util::{TryStreamExt as _, stream};
use server::{TestServer, manual_clock};
use std::path::PathBuf;
use std::sync::Arc;
use uuid::Uuid;
use vivero_client::{
    Change, EntityIn, EntityType, Error, FilePatch, FileState, FileUpload, LocationIn,
    LocationKind, TenantClient, UserIn,
};
use vivero_core::files::{
    Area, FileKey, FileLimits, FilePrefix, FileQuota, FileStore, Tally, Upload,
};
use vivero_core::service::{FileSettings, FileSweep};
use vivero_core::{FileId, Slug, TenantId};
use vivero_store::LocalFiles;

const TEXT: &str = "bed;plants\n7;4000\n";

async fn lot(acme: &TenantClient, code: &str, at: Option<Uuid>) -> Uuid {
    let lot = EntityIn::new(code, "Lavandula", EntityType::Cutting, 40);
    let lot = EntityIn { location_id: at, ..lot };
    acme.entities().create(lot).await.expect("a lot").id
}

async fn site(acme: &TenantClient, code: &str) -> Uuid {
    let site = LocationIn::new(LocationKind::Site, code, code);
    acme.locations().create(site).await.expect("a site").id
}

/// A text of that many bytes.
fn long(size: usize) -> String {
    (0..=size / 8).map(|n| format!("{n:07}\n")).collect::<String>()[..size].to_owned()
}

async fn tenant_id(server: &TestServer, slug: &str) -> TenantId {
    let slug: Slug = slug.parse().expect("a slug");
    server.vivero().tenants().find(&slug).await.expect("the tenant").id
}

fn store(server: &TestServer) -> Arc<dyn FileStore> {
    Arc::clone(&server.vivero().file_settings().expect("files").store)
}

#[tokio::test]
async fn a_file_comes_out_as_it_went_in_and_is_on_record() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let home = site(&acme, "S1").await;
    let lavender = lot(&acme, "L-1", Some(home)).await;
    let upload = FileUpload::bytes("Beete Südhang.csv", TEXT).of_entity(lavender);
    let file = acme.files().upload(upload).await.expect("a file");
    assert_eq!((file.name.as_str(), file.media_type.as_str()), ("Beete Südhang.csv", "text/csv"));
    assert_eq!((file.size, file.state, file.version), (18, FileState::Stored, 1));
    assert_eq!((file.entity_id, file.location_id), (Some(lavender), Some(home)));
    assert_eq!(file.uploaded_by, Some(file.created_by));
    assert_eq!(acme.files().get(file.id).await.expect("the file"), file);

    let download = acme.files().download(file.id).await.expect("the content");
    assert_eq!((download.media_type.as_str(), &download.sha256), ("text/csv", &file.sha256));
    assert_eq!(download.bytes().await.expect("the content"), TEXT);

    // From disk and from a stream of untold length.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    let notes = long(3_000_000);
    std::fs::write(&path, &notes).expect("a file on disk");
    let upload = FileUpload::path(&path).expect("a path");
    let from_disk = acme.files().upload(upload).await.expect("a file");
    assert_eq!((from_disk.name.as_str(), from_disk.size), ("notes.txt", 3_000_000));
    let chunks: Vec<_> = notes.as_bytes().chunks(70_001).map(|c| Ok(c.to_vec().into())).collect();
    let upload = FileUpload::stream("streamed.txt", None, stream::iter(chunks));
    let streamed = acme.files().upload(upload).await.expect("a file");
    assert_eq!(streamed.sha256, from_disk.sha256);

    let list = acme.files().list();
    let named = |page: Vec<vivero_client::File>| -> Vec<String> {
        page.into_iter().map(|f| f.name).collect()
    };
    let all = list.clone().sort("size").total().send().await.expect("a page");
    assert_eq!((all.total, all.items[0].id), (Some(3), file.id));
    let of_lot = list.clone().entity(lavender).send().await.expect("a page").items;
    assert_eq!(named(of_lot), ["Beete Südhang.csv"]);
    let there = list.clone().location(home).send().await.expect("a page").items;
    assert_eq!(there.len(), 1);
    let tables = list.clone().media_type("text/csv").state(FileState::Stored).send().await;
    assert_eq!(tables.expect("a page").items.len(), 1);
    let mine = list.clone().uploaded_by(file.created_by).q("notes").send().await.expect("a page");
    assert_eq!(named(mine.items), ["notes.txt"]);
    let paged: Vec<_> = list.clone().limit(1).stream().try_collect().await.expect("all pages");
    assert_eq!(named(paged), ["streamed.txt", "notes.txt", "Beete Südhang.csv"]);

    // Renamed and given away.
    let patch = FilePatch { name: Some("beds.csv".into()), entity_id: Some(Change::Clear) };
    let file = acme.files().update(file.id, 1, patch).await.expect("an edit");
    assert_eq!((file.name.as_str(), file.entity_id, file.location_id), ("beds.csv", None, None));
    let patch = FilePatch { name: Some("beds.pdf".into()), ..FilePatch::default() };
    let refused = acme.files().update(file.id, 2, patch).await.expect_err("another kind");
    assert_eq!(refused.field_error("name").expect("the field").rule, "extension");

    // Deleted, not to be had, back again.
    acme.files().delete(file.id).await.expect("a deletion");
    let gone = acme.files().download(file.id).await.expect_err("deleted");
    assert_eq!(gone.code(), Some("file_not_found"));
    assert_eq!(list.clone().deleted().send().await.expect("a page").items.len(), 1);
    acme.files().recover(file.id).await.expect("a recovery");
    let back = acme.files().download(file.id).await.expect("the content").bytes().await;
    assert_eq!(back.expect("the content"), TEXT);
    let history = acme.files().history(file.id).send().await.expect("history").items;
    let actions: Vec<_> = history.iter().map(|e| e.action.as_str()).collect();
    assert_eq!(actions, ["file.recover", "file.delete", "file.update", "file.create"]);

    // What is on record and what is in the store are the same.
    let usage = store(&server).usage(tenant_id(&server, "acme").await).await.expect("usage");
    assert_eq!((usage.stored.files, usage.quarantine.files), (3, 0));
    assert_eq!(usage.stored.bytes, 6_000_018);
}

#[tokio::test]
async fn a_download_goes_on_where_it_broke_and_is_checked_at_the_end() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let notes = long(900_000);
    let upload = FileUpload::bytes("notes.txt", notes.clone());
    let file = acme.files().upload(upload).await.expect("a file");
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, part) = (folder.path().join("n.txt"), folder.path().join("n.txt.part"));
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a file");

    acme.files().download_to(file.id, &whole).await.expect("a download");
    assert!(read(&whole) == notes && !part.exists());

    // A part that is right is gone on with.
    std::fs::write(&part, &notes[..500_001]).expect("a part");
    acme.files().download_to(file.id, &whole).await.expect("a download");
    assert!(read(&whole) == notes && !part.exists());
    let end = acme.files().download_from(file.id, 899_990.., &file.sha256).await.expect("the end");
    assert_eq!(end.start, 899_990);
    assert_eq!(end.bytes().await.expect("the end"), &notes.as_bytes()[899_990..]);
    let other = acme.files().download_from(file.id, 5.., &"0".repeat(64)).await.expect("all of it");
    assert_eq!((other.start, other.bytes().await.expect("all").len()), (0, 900_000));

    // One that is of something else is noticed, and thrown away.
    std::fs::remove_file(&whole).expect("a removal");
    std::fs::write(&part, "x".repeat(1_000)).expect("a part");
    let damaged = acme.files().download_to(file.id, &whole).await.expect_err("not the same");
    assert!(matches!(damaged, Error::Io(_)) && !part.exists() && !whole.exists(), "{damaged:?}");
    std::fs::write(&part, "x".repeat(1_000_000)).expect("a part that is too long");
    acme.files().download_to(file.id, &whole).await.expect("a download");
    assert!(read(&whole) == notes);
}

#[tokio::test]
async fn ranges_and_entity_tags_are_heeded() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let file = acme.files().upload(FileUpload::bytes("beds.csv", TEXT)).await.expect("a file");
    let token = acme.tokens().await.expect("tokens").access_token;
    let url = format!("{}/api/v1/acme/files/{}/content", server.base_url, file.id);
    let http = reqwest::Client::new();
    let tag = format!("\"{}\"", file.sha256);
    let ask = async |headers: &[(&str, &str)]| {
        let mut request = http.get(&url).bearer_auth(token.expose());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("an answer");
        let headers = answer.headers().clone();
        let text = move |name: &str| {
            headers.get(name).map_or(String::new(), |v| v.to_str().expect("text").to_owned())
        };
        (answer.status().as_u16(), text, answer.text().await.expect("a body"))
    };
    let (status, header, body) = ask(&[("Accept-Encoding", "gzip, zstd")]).await;
    assert_eq!((status, body.as_str()), (200, TEXT));
    assert_eq!(header("etag"), tag);
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("accept-ranges"), "bytes");
    assert_eq!(header("content-length"), "18");
    assert_eq!(header("content-type"), "text/csv");
    assert!(header("content-disposition").starts_with("attachment; filename=\"beds.csv\""));

    for (range, expected, which) in [
        ("bytes=0-2", "bed", "bytes 0-2/18"),
        ("bytes=11-", "7;4000\n", "bytes 11-17/18"),
        ("bytes=-5", "4000\n", "bytes 13-17/18"),
        ("bytes=13-999", "4000\n", "bytes 13-17/18"),
    ] {
        let (status, header, body) = ask(&[("Range", range)]).await;
        assert_eq!((status, body.as_str()), (206, expected), "{range}");
        assert_eq!((header("content-range").as_str(), header("etag")), (which, tag.clone()));
    }
    for whole in ["bytes=0-1,4-5", "lines=1-2", "bytes=5-2", "bytes=", "bytes=0-"] {
        assert_eq!(ask(&[("Range", whole)]).await.0, 200, "{whole}");
    }
    for beyond in ["bytes=18-", "bytes=18-20", "bytes=-0", "bytes=99999999999999999999999-"] {
        let (status, header, body) = ask(&[("Range", beyond)]).await;
        assert_eq!((status, header("content-range").as_str()), (416, "bytes */18"), "{beyond}");
        let problem: serde_json::Value = serde_json::from_str(&body).expect("a problem");
        assert_eq!(problem["code"], "range_not_satisfiable");
        assert_eq!(problem["errors"][0]["field"], "Range");
    }
    assert_eq!(ask(&[("If-None-Match", &tag)]).await.0, 304);
    assert_eq!(ask(&[("If-None-Match", "\"x\", *")]).await.0, 304);
    assert_eq!(ask(&[("If-None-Match", "\"1\"")]).await.0, 200);
    assert_eq!(ask(&[("Range", "bytes=0-2"), ("If-Range", &tag)]).await.0, 206);
    assert_eq!(ask(&[("Range", "bytes=0-2"), ("If-Range", "\"other\"")]).await.0, 200);
}

#[tokio::test]
async fn files_go_where_their_lot_goes_and_so_does_who_sees_them() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let (here, there) = (site(&acme, "S1").await, site(&acme, "S2").await);
    let lavender = lot(&acme, "L-1", Some(here)).await;
    let upload = FileUpload::bytes("beds.csv", TEXT).of_entity(lavender);
    let file = acme.files().upload(upload).await.expect("a file");
    let deleted = FileUpload::bytes("old.csv", TEXT).of_entity(lavender);
    let deleted = acme.files().upload(deleted).await.expect("a file");
    acme.files().delete(deleted.id).await.expect("a deletion");

    let roles = acme.roles().list().send().await.expect("roles").items;
    let role = roles.into_iter().find(|r| r.name == "Operator").expect("the role").id;
    let email = "operator@acme.example";
    let new = UserIn { roles: vec![role], locations: vec![here], ..UserIn::new(email, "Op") };
    let invited = acme.users().invite(new).await.expect("an invitation").invitation.token;
    let entrance = server.client().tenant("acme");
    let operator = entrance
        .accept_invitation(invited.expect("a token"), server::PASSWORD)
        .await
        .expect("a person");

    let own = operator.files().upload(FileUpload::bytes("own.txt", "mine")).await.expect("a file");
    let added = FileUpload::bytes("label.txt", "here").of_entity(lavender);
    let added = operator.files().upload(added).await.expect("a file of a lot they see");
    assert_eq!(operator.files().get(file.id).await.expect("the file").location_id, Some(here));
    let forbidden = operator.files().delete(own.id).await.expect_err("not theirs to delete");
    assert!(forbidden.is_forbidden());

    acme.entities().move_to(lavender, there).await.expect("a move");
    let moved = acme.files().get(file.id).await.expect("the file");
    assert_eq!((moved.location_id, moved.version), (Some(there), 2));
    assert!(operator.files().get(file.id).await.expect_err("out of reach").is_not_found());
    assert!(operator.files().download(file.id).await.expect_err("out of reach").is_not_found());
    // What they brought in themselves they still see.
    operator.files().get(added.id).await.expect("their own");
    let seen = operator.files().list().total().send().await.expect("a page");
    assert_eq!(seen.total, Some(2));
    let hidden = FileUpload::bytes("x.txt", "x").of_entity(lavender);
    let refused = operator.files().upload(hidden).await.expect_err("a lot out of reach");
    assert_eq!(refused.field_error("entity_id").expect("the field").rule, "exists");
    // One that was deleted while its lot was moved comes back where the lot is.
    let back = acme.files().recover(deleted.id).await.expect("a recovery");
    assert_eq!(back.location_id, Some(there));
}

#[tokio::test]
async fn the_same_upload_under_the_same_key_is_stored_once() {
    let server = TestServer::start().await;
    let acme = server.tenant("acme").await;
    let keyed = || acme.files().idempotency_key("once");
    let first = keyed().upload(FileUpload::bytes("a.txt", "content")).await.expect("a file");
    let again = keyed().upload(FileUpload::bytes("a.txt", "content")).await.expect("the same");
    assert_eq!(first, again);
    let other = keyed().upload(FileUpload::bytes("b.txt", "content")).await.expect_err("another");
    assert_eq!(other.code(), Some("idempotency_key_reused"));
    let five = (0..5).map(|_| {
        let files = acme.files().idempotency_key("five");
        async move { files.upload(FileUpload::bytes("c.txt", "content")).await }
    });
    let five = futures_util::future::join_all(five).await;
    let ids: Vec<_> = five.into_iter().map(|file| file.expect("a file").id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let usage = store(&server).usage(tenant_id(&server, "acme").await).await.expect("usage");
    assert_eq!((usage.stored.files, usage.quarantine.files), (2, 0));
}

#[tokio::test]
async fn deleted_files_are_purged_after_their_time_and_leftovers_are_swept() {
    let clock = manual_clock();
    let server = TestServer::builder().clock(Arc::clone(&clock)).start().await;
    let acme = server.tenant("acme").await;
    let vivero = server.vivero();
    let kept = acme.files().upload(FileUpload::bytes("kept.txt", "kept")).await.expect("a file");
    let old = acme.files().upload(FileUpload::bytes("old.txt", "old one")).await.expect("a file");
    acme.files().delete(old.id).await.expect("a deletion");
    let (id, files) = (tenant_id(&server, "acme").await, store(&server));
    // The folder's own dates are of today.
    clock.advance(chrono::Utc::now() - vivero.now() + Duration::days(2));
    let recent = deleted_now(&acme, &server).await;

    let fresh = |at| FileId::from_uuid(vivero.ids().id(at));
    let orphan = FileKey::stored(fresh(vivero.now() - Duration::days(3)));
    let waiting = FileKey::quarantined(fresh(vivero.now() - Duration::days(3)));
    for key in [orphan, waiting] {
        files.put(id, key, Upload::of("left behind")).await.expect("a leftover");
    }
    let swept = vivero.sweep_files().await.expect("a sweep");
    let expected =
        FileSweep { tenants: 1, quarantined: 1, orphans: 1, purged: 1, ..FileSweep::default() };
    assert_eq!(swept, expected);
    let again = vivero.sweep_files().await.expect("a sweep");
    assert_eq!(again, FileSweep { tenants: 1, ..FileSweep::default() });

    let there = files.list(id, &FilePrefix::all(), None, 100).await.expect("a list").files;
    let mut there: Vec<_> = there.into_iter().map(|file| file.key).collect();
    let mut wanted = [kept.id, recent].map(|id| FileKey::stored(FileId::from_uuid(id)));
    there.sort();
    wanted.sort();
    assert_eq!(there, wanted);
    assert!(there.iter().all(|key| key.area() == Area::Stored));
    let session = vivero.job(id, "a look").await.expect("a session");
    let (used, _) = session.files().usage().await.expect("usage");
    assert_eq!(used, Tally { files: 2, bytes: 4 + 6 });
    let refused = session.files().recover_by_id(FileId::from_uuid(old.id)).await;
    assert_eq!(refused.expect_err("purged").code(), "file_purged");
    session.files().recover_by_id(FileId::from_uuid(recent)).await.expect("a recovery");
    let history = session.files().history(FileId::from_uuid(old.id), None, 9).await;
    let actions: Vec<_> = history.expect("history").into_iter().map(|e| e.action).collect();
    assert_eq!(actions, ["file.purged", "file.purge", "file.delete", "file.create"]);
    session.seal().await.expect("a head");
    let recount = session.recount().await.expect("figures");
    let dashboard = session.dashboard().await.expect("figures");
    let shown = &dashboard.shared().values;
    assert!(recount.iter().all(|(key, count)| shown.get(key).copied().unwrap_or(0) == *count));

    // One process at a time; and a tenant that goes takes its files along.
    let holder = vivero.ids().id(vivero.now());
    assert!(vivero.sweep_files_alone(holder).await.expect("a sweep").is_some());
    let removed = vivero.remove_files(id).await.expect("a removal");
    assert_eq!(removed, Tally { files: 2, bytes: 10 });
    assert_eq!(files.usage(id).await.expect("usage").bytes(), 0);
}

/// A file that was deleted today: the sign-in of before is too old by now.
async fn deleted_now(acme: &TenantClient, server: &TestServer) -> Uuid {
    let again = server.client().tenant(acme.slug());
    let again = again.sign_in("owner@acme.example", server::PASSWORD).await.expect("a sign-in");
    let file = again.files().upload(FileUpload::bytes("recent.txt", "recent")).await;
    let id = file.expect("a file").id;
    again.files().delete(id).await.expect("a deletion");
    id
}

#[tokio::test]
async fn quotas_are_of_the_plan_and_count_what_is_deleted_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let local = LocalFiles::open(folder.path()).expect("a store");
    let quota = FileQuota { bytes: 100, files: 3 };
    let limits = FileLimits { contract: quota, ..FileLimits::default() };
    let settings = FileSettings { limits, ..FileSettings::new(Arc::new(local)) };
    let server = TestServer::builder().files(settings).start().await;
    let acme = server.tenant("acme").await;
    let upload = async |name: &str, size: usize| {
        acme.files().upload(FileUpload::bytes(name, "x".repeat(size))).await
    };
    let first = upload("a.txt", 60).await.expect("room");
    let refused = upload("b.txt", 41).await.expect_err("no room");
    assert_eq!((refused.status(), refused.code()), (Some(409), Some("file_quota_reached")));
    acme.files().delete(first.id).await.expect("a deletion");
    assert_eq!(upload("b.txt", 41).await.expect_err("it can be recovered").status(), Some(409));
    upload("b.txt", 20).await.expect("room");
    upload("c.txt", 19).await.expect("room");
    let refused = upload("d.txt", 1).await.expect_err("three files");
    assert_eq!(refused.code(), Some("file_quota_reached"));
    // Another tenant has a quota of its own; of many at once, no more than fit get in.
    let other = server.tenant("other").await;
    let uploads = (0..12).map(|n| {
        let chunks = stream::iter([Ok("y".repeat(30).into())]);
        let size = (n % 2 == 0).then_some(30);
        let upload = FileUpload::stream(format!("{n}.txt"), size, chunks);
        let other = other.clone();
        async move { other.files().upload(upload).await }
    });
    let outcomes = futures_util::future::join_all(uploads).await;
    let stored = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert!((1..=3).contains(&stored), "{outcomes:?}");
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused.code(), Some("file_quota_reached"));
    }
    let used = store(&server).usage(tenant_id(&server, "other").await).await.expect("usage");
    assert_eq!((used.stored.files, used.quarantine.files), (stored as u64, 0));
}
