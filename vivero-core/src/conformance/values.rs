//! Values come back as they went in.

use super::Harness;
use super::ground::{Ground, record_of};
use super::sample::{Sample, State};
use crate::journal::{Actor, Changes, Entry};
use crate::record::Record as _;
use crate::{LocationId, UserId, Uuid};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Stores the samples and asserts that each comes back equal: inserted, and updated into.
async fn assert_exact(ground: &Ground, samples: Vec<Sample>) {
    ground.create(samples.clone()).await;
    for sample in &samples {
        let row = ground.find(sample.id.uuid()).await.expect("the row is there");
        assert_eq!(record_of::<Sample>(&row), *sample, "inserted");
    }
    let plain = ground.create_one(ground.source.sample("updated")).await;
    for sample in samples {
        ground
            .edit(plain, |s: &mut Sample| {
                let code = std::mem::take(&mut s.code);
                *s = Sample { id: s.id, code, label: None, ..sample.clone() };
            })
            .await;
        let row = ground.find(plain).await.expect("the row is there");
        let came = record_of::<Sample>(&row);
        let wanted = Sample { id: came.id, code: "updated".into(), label: None, ..sample };
        assert_eq!(came, wanted, "updated");
    }
}

pub(super) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        " ",
        "  leading and trailing  ",
        "tab\tand\nlines\r\n",
        "'single'",
        "\"double\"",
        "`tick`",
        "back\\slash",
        "\\",
        "\\'",
        "%_",
        "?",
        "$1",
        ":name",
        "@p",
        "--",
        "/* */",
        ";",
        "'; DROP TABLE x; --",
        "NULL",
        "null",
        "0",
        "1e3",
        "true",
        "🌱🌿🪴",
        "👩🏽‍🌾",
        "e\u{301}",
        "é",
        "ß",
        "İ",
        "ﬁ",
        "日本語",
        "العربية",
        "\u{202e}right to left",
        "\u{feff}mark",
        "\u{fffd}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{1}\u{1f}\u{7f}",
        "\u{85}\u{2028}",
    ]
    .map(String::from)
    .into();
    // One character of each of the 17 planes, both ends of it.
    let planes =
        (0..=16_u32).flat_map(|plane| [plane * 0x1_0000 + 0x100, plane * 0x1_0000 + 0xfffd]);
    texts.push(planes.filter_map(char::from_u32).collect());
    texts
}

pub(super) async fn texts_come_back_exactly(harness: &dyn Harness) {
    let ground = Ground::new(harness, "texts").await;
    let samples = texts().into_iter().enumerate().map(|(i, text)| {
        let mut sample =
            ground.source.sample(format!("{i} {text}").chars().take(64).collect::<String>());
        sample.name.clone_from(&text);
        sample.label = Some(format!("{text} {i}").chars().take(64).collect());
        sample.remark = Some(text.clone());
        sample.note = Some(text.repeat(3));
        sample.papers = json!({ text.clone(): [text] });
        sample
    });
    assert_exact(&ground, samples.collect()).await;
    ground.assert_counts("counted by any text").await;
}

pub(super) async fn numbers_come_back_exactly(harness: &dyn Harness) {
    let ground = Ground::new(harness, "numbers").await;
    let samples =
        [i64::MIN, i64::MIN + 1, -1, 0, 1, (1 << 53) + 1, i64::MAX - 1, i64::MAX].map(|n| {
            let mut sample = ground.source.sample(n.to_string());
            sample.rank = Some(n);
            sample.checked = Some(n % 2 == 0);
            sample.grade = Some(*ground.source.pick(State::ALL));
            sample.place = Some(LocationId::from_uuid(Uuid::from_u128(n.unsigned_abs().into())));
            sample.keeper = Some(UserId::from_uuid(Uuid::max()));
            sample
        });
    assert_exact(&ground, samples.into()).await;
}

/// Instants of every age and precision, in order.
pub(super) fn instants() -> Vec<DateTime<Utc>> {
    [
        "1000-01-01T00:00:00Z",
        "1899-12-31T23:59:59.999999Z",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:00:00Z",
        "1970-01-01T00:00:00.000001Z",
        "2000-02-29T12:00:00Z",
        "2026-03-29T01:59:59.9Z",
        "2026-03-29T01:59:59.90001Z",
        "2026-03-29T01:59:59.99Z",
        "2026-03-29T02:00:00Z",
        "2026-03-29T02:00:00.000100Z",
        "2026-03-29T02:00:00.1Z",
        "2038-01-19T03:14:07Z",
        "2038-01-19T03:14:08.000001Z",
        "2099-12-31T23:59:59.123456Z",
        "9999-12-31T23:59:59.999999Z",
    ]
    .iter()
    .map(|text| text.parse().expect("an instant"))
    .collect()
}

pub(super) async fn instants_and_days_come_back_exactly(harness: &dyn Harness) {
    let ground = Ground::new(harness, "instants").await;
    let mut samples = Vec::new();
    for (i, at) in instants().into_iter().enumerate() {
        let mut sample = ground.source.sample(format!("T-{i}"));
        sample.seen_at = Some(at);
        samples.push(sample);
    }
    for (i, day) in
        ["1000-01-01", "1969-12-31", "1970-01-01", "2000-02-29", "2099-12-31", "9999-12-31"]
            .iter()
            .enumerate()
    {
        let mut sample = ground.source.sample(format!("D-{i}"));
        sample.due_on = Some(day.parse::<NaiveDate>().expect("a day"));
        samples.push(sample);
    }
    assert_exact(&ground, samples).await;

    let mut row = ground.row(ground.source.sample("row"));
    row.created_at = instants()[1];
    row.updated_at = instants()[14];
    let mut work = ground.begin().await;
    work.insert(Sample::SCHEMA, vec![row.clone()]).await.expect("inserting");
    work.commit().await.expect("committing");
    let found = ground.find(row.id).await.expect("the row is there");
    assert_eq!(
        (found.created_at, found.updated_at),
        (row.created_at, row.updated_at),
        "what vivero keeps of every record is as exact"
    );
}

pub(super) async fn json_comes_back_exactly(harness: &dyn Harness) {
    let ground = Ground::new(harness, "json").await;
    let mut deep = json!("bottom");
    for level in 0..30 {
        deep = if level % 2 == 0 { json!([deep, level]) } else { json!({ "inside": deep }) };
    }
    let documents = [
        json!({}),
        json!({"a": null, "b": [true, false, []], "": {"": ""}}),
        json!({"int": i64::MIN, "big": u64::MAX, "part": 0.1, "small": -2.5e-3, "long": 12_345_678.9}),
        json!({"quote\"": "back\\slash", "emoji 🌱": "\u{10ffff}", "control": "\u{1}\n", "'": "''"}),
        json!({"$ref": "#", "a.b": 1, "a b": 2, "ключ": 3, "zero\u{0}inside": "a\u{0}b"}),
        json!([1, "two", {"three": [4]}]),
        json!("text alone"),
        json!(7),
        deep,
    ];
    let samples = documents.into_iter().enumerate().map(|(i, json)| {
        let mut sample = ground.source.sample(format!("J-{i}"));
        sample.extra = Some(json.clone());
        sample.papers = json;
        sample
    });
    assert_exact(&ground, samples.collect()).await;
}

pub(super) async fn bytes_come_back_exactly(harness: &dyn Harness) {
    let ground = Ground::new(harness, "bytes").await;
    let every: Vec<u8> = (0..=255).collect();
    let samples = [vec![], vec![0], vec![0, 0, 0], vec![0xff, 0xfe], b"text".to_vec(), every]
        .into_iter()
        .enumerate()
        .map(|(i, bytes)| {
            let mut sample = ground.source.sample(format!("B-{i}"));
            sample.seal.clone_from(&bytes);
            sample.scan = Some(bytes);
            sample
        });
    assert_exact(&ground, samples.collect()).await;
}

pub(super) async fn no_value_differs_from_an_empty_one(harness: &dyn Harness) {
    let ground = Ground::new(harness, "no value").await;
    let nothing = ground.source.sample("NOTHING");
    let mut empty = ground.source.sample("EMPTY");
    empty.label = Some(String::new());
    empty.remark = Some(String::new());
    empty.note = Some(String::new());
    empty.weight = Some(0);
    empty.rank = Some(0);
    empty.checked = Some(false);
    empty.place = Some(LocationId::from_uuid(Uuid::nil()));
    empty.extra = Some(json!({}));
    empty.scan = Some(Vec::new());
    assert_exact(&ground, vec![nothing, empty]).await;
}

pub(super) async fn the_greatest_declared_size_fits(harness: &dyn Harness) {
    let ground = Ground::new(harness, "sizes").await;
    let mut sample = ground.source.sample("🌱".repeat(64));
    sample.name = "\u{10ffff}".repeat(200);
    sample.label = Some("🪴".repeat(64));
    sample.remark = Some("ж".repeat(200));
    sample.note = Some("🌿".repeat(20_000));
    sample.papers = Json::String("x".repeat(16_382));
    sample.seal = vec![0xff; 4096];
    sample.scan = Some(vec![0; 4096]);
    assert_exact(&ground, vec![sample]).await;
}

pub(super) async fn a_journal_entry_comes_back_exactly(harness: &dyn Harness) {
    let ground = Ground::new(harness, "entries").await;
    let id = ground.source.id();
    let actors = [
        Actor::User { id: ground.by },
        Actor::Platform,
        Actor::System { reason: "import: 2026 'spring' 🌱\n\"x\":y".into() },
    ];
    let mut entries = Vec::new();
    for (i, text) in texts().into_iter().enumerate() {
        let mut changes = BTreeMap::new();
        changes
            .insert("name".to_owned(), (json!(text), json!({ text.clone(): [text, null, 1.5] })));
        changes.insert("rank".to_owned(), (Json::Null, json!(i64::MIN)));
        entries.push(Entry {
            at: instants()[i % instants().len()],
            actor: actors[i % actors.len()].clone(),
            action: "sample.update".into(),
            resource: "sample".into(),
            record_id: id,
            version: i64::try_from(i).expect("few") + 1,
            changes: if i % 5 == 4 { Changes::default() } else { Changes(changes) },
            cause: (i % 3 != 0).then(|| text.clone()),
        });
    }
    let mut work = ground.begin().await;
    work.journal(entries.clone()).await.expect("journalling");
    work.commit().await.expect("committing");
    ground.seal().await;
    let mut history = ground.store.history(Sample::SCHEMA, id, None, 1_000).await.expect("history");
    history.reverse();
    assert_eq!(history, entries, "history gives the entries as written");
    let feed = ground.store.feed(0, 1_000).await.expect("the feed");
    let fed: Vec<Entry> = feed.into_iter().map(|e| e.entry).filter(|e| e.record_id == id).collect();
    assert_eq!(fed, entries, "the feed gives the entries as written");
    let report = ground.store.verify(None).await.expect("verifying");
    assert!(report.breaks.is_empty(), "and the chain verifies: {:?}", report.breaks);
}
