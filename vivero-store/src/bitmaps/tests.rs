//! The index against a plain model: whatever rows come, change and go, and whatever is asked.

use super::{Index, Sizes};
use chrono::{DateTime, Utc};
use proptest::prelude::*;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use uuid::Uuid;
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::{Column, Row, Schema};
use vivero_core::search::{Terms, document};
use vivero_core::{Cursor, Value};

static COLUMNS: &[Column] = &[
    Column::of::<String>("code").unique().sort().search(),
    Column::of::<Option<String>>("name").sort().search(),
    Column::of::<String>("kind").filter(),
    Column::of::<Option<Uuid>>("place").filter(),
    Column::of::<Option<i64>>("pieces").filter().sort(),
    Column::of::<bool>("kept").filter().sort(),
    Column::of::<Option<String>>("batch").filter().search(),
];
static SCHEMA: Schema = Schema {
    table: "things",
    resource: "thing",
    columns: COLUMNS,
    owner: None,
    location: Some("place"),
    facets: &["kind"],
};

/// A site, a house in it, two beds in that, and a site beside it.
const TREE: [&str; 5] = ["0/", "0/1/", "0/1/2/", "0/1/3/", "4/"];

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number + 1)
}

fn places() -> Vec<(Uuid, String)> {
    (0..).zip(TREE).map(|(i, path)| (id(i), path.to_owned())).collect()
}

fn below(root: Uuid) -> Vec<Uuid> {
    let paths = places();
    let Some((_, top)) = paths.iter().find(|(id, _)| *id == root) else { return Vec::new() };
    paths.iter().filter(|(_, path)| path.starts_with(top.as_str())).map(|(id, _)| *id).collect()
}

/// Some begin as others do, and one has no bytes.
const BATCHES: [&str; 8] = ["B", "B-1", "B-10", "B-2", "b", "ß", "\u{10ffff}", ""];

const WORDS: [&str; 8] = ["Lavandula", "lav-01", "Salvia", "salix", "A", "Ünter", "2026", "q1kind"];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

fn row() -> impl Strategy<Value = Row> {
    let name = prop::option::of(prop::collection::vec(word(), 0..3).prop_map(|w| w.join(" ")));
    let kind = prop::sample::select(vec!["seed", "bulb", "young plant"]);
    let pieces = prop::option::of(prop_oneof![-2_i64..3, Just(i64::MAX), Just(i64::MIN + 1)]);
    let batch = prop::option::weighted(0.8, prop::sample::select(&BATCHES[..]));
    let rest = (kind, prop::option::of(0_u128..6), pieces, any::<bool>(), batch);
    (0_i64..40, name, rest, 0_i64..5, 0_u128..3, prop::bool::weighted(0.2)).prop_map(
        |(seq, name, (kind, place, pieces, kept, batch), updated, by, deleted)| {
            let at = |second| DateTime::<Utc>::from_timestamp(second, 7_000).expect("a time");
            Row {
                seq: seq + 5,
                id: Uuid::from_u128(seq.unsigned_abs().into()),
                version: 1,
                created_at: at(0),
                created_by: id(by),
                updated_at: at(updated),
                updated_by: id(by),
                deleted_at: deleted.then(|| at(9)),
                values: vec![
                    Value::Text(format!("C-{:02}", seq * 7 % 40)),
                    name.map_or(Value::Null, Value::Text),
                    Value::Text(kind.into()),
                    place.map_or(Value::Null, |n| Value::Id(id(n))),
                    pieces.map_or(Value::Null, Value::Int),
                    Value::Bool(kept),
                    batch.map_or(Value::Null, |batch| Value::Text(batch.into())),
                ],
            }
        },
    )
}

/// The same rows on both sides of a border between segments of words.
fn far(row: Row) -> Row {
    Row { seq: if row.seq < 25 { row.seq } else { row.seq + 65_500 }, ..row }
}

fn predicate() -> impl Strategy<Value = Predicate> {
    let text = |t: &str| Value::Text(t.into());
    let leaf = prop_oneof![
        Just(Predicate::All),
        Just(Predicate::None),
        prop::sample::select(vec!["seed", "bulb", "none such"])
            .prop_map(move |k| Predicate::Equals("kind", text(k))),
        prop::collection::vec(prop::sample::select(vec!["seed", "young plant"]), 0..3)
            .prop_map(move |some| Predicate::OneOf("kind", some.into_iter().map(text).collect())),
        prop::option::of(-2_i64..3)
            .prop_map(|n| Predicate::Equals("pieces", n.map_or(Value::Null, Value::Int))),
        prop::option::of(0_u128..6)
            .prop_map(|n| Predicate::Equals("place", n.map_or(Value::Null, |n| Value::Id(id(n))))),
        prop::collection::vec(0_u128..7, 0..3)
            .prop_map(|n| Predicate::Within("place", n.into_iter().map(id).collect())),
        (0_u128..4).prop_map(|n| Predicate::Equals("created_by", Value::Id(id(n)))),
        prop::option::of(prop::sample::select(&BATCHES[..]))
            .prop_map(move |batch| { Predicate::Equals("batch", batch.map_or(Value::Null, text)) }),
        prop::collection::vec(prop::sample::select(&BATCHES[..]), 0..3)
            .prop_map(move |some| Predicate::OneOf("batch", some.into_iter().map(text).collect())),
        any::<bool>().prop_map(|b| Predicate::Equals("kept", Value::Bool(b))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Predicate::And),
            prop::collection::vec(inner, 0..3).prop_map(Predicate::Or),
        ]
    })
}

fn value(row: &Row, name: &str) -> Value {
    match name {
        "created_by" => Value::Id(row.created_by),
        "updated_at" => Value::Time(row.updated_at),
        name => row.values[SCHEMA.index_of(name).expect("a column")].clone(),
    }
}

fn meets(row: &Row, predicate: &Predicate) -> bool {
    match predicate {
        Predicate::All => true,
        Predicate::None => false,
        Predicate::Equals(name, wanted) => value(row, name) == *wanted,
        Predicate::OneOf(name, wanted) => wanted.contains(&value(row, name)),
        Predicate::Within(name, roots) => match value(row, name) {
            Value::Id(id) => roots.iter().any(|root| below(*root).contains(&id)),
            _ => false,
        },
        Predicate::And(all) => all.iter().all(|p| meets(row, p)),
        Predicate::Or(any) => any.iter().any(|p| meets(row, p)),
    }
}

fn is_found(row: &Row, terms: &Terms) -> bool {
    let text = document(&SCHEMA, &row.values);
    terms.words().iter().all(|term| {
        term.alternatives.iter().any(|wanted| {
            let whole = term.whole || wanted.chars().count() == 1;
            let matches = |word: &str| {
                if whole { word == wanted } else { word.starts_with(wanted.as_str()) }
            };
            text.split_ascii_whitespace().any(matches)
        })
    })
}

/// No value comes first.
fn compare_values(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Int(a), Value::Int(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Time(a), Value::Time(b)) => a.cmp(b),
        (a, b) => b.is_null().cmp(&a.is_null()),
    }
}

fn compare(a: &Row, b: &Row, sort: Sort) -> Ordering {
    let key = |row: &Row| sort.column.map(|name| value(row, name));
    let by_key = match (key(a), key(b)) {
        (Some(a), Some(b)) => compare_values(&a, &b),
        _ => Ordering::Equal,
    };
    let order = by_key.then(a.seq.cmp(&b.seq));
    if sort.descending { order.reverse() } else { order }
}

#[derive(Debug, Clone)]
struct Asked {
    filter: Predicate,
    scope: Predicate,
    search: Option<String>,
    sort: Sort,
    limit: u32,
    /// The cursor is that of a row as it might be, there or not.
    after: Option<Row>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let columns =
        vec![None, Some("updated_at"), Some("code"), Some("name"), Some("pieces"), Some("kept")];
    let sort = (prop::sample::select(columns), any::<bool>()).prop_map(|(column, descending)| {
        let nullable = matches!(column, Some("name" | "pieces"));
        Sort { column, descending, required: !nullable }
    });
    let scope = prop_oneof![3 => Just(Predicate::All), 1 => predicate()];
    let search = prop::option::weighted(
        0.3,
        prop::sample::select(vec![
            "la",
            "lav",
            "LAV-01",
            "sal",
            "a",
            "lavandula 2026",
            "ünt",
            "c",
            "b-1",
            "b10",
            "ß",
            "ss",
        ]),
    );
    (predicate(), scope, search, sort, 0_u32..12, prop::option::of(row())).prop_map(
        |(filter, scope, search, sort, limit, after)| Asked {
            filter,
            scope,
            search: search.map(str::to_owned),
            sort,
            limit,
            after,
        },
    )
}

fn assert_answers(index: &Index, model: &BTreeMap<i64, Row>, asked: Asked) {
    let Asked { filter, scope, search, sort, limit, after } = asked;
    let cursor = after.map(|row| Cursor {
        sort: sort.name(),
        key: sort.column.map_or(Value::Null, |name| value(&row, name)),
        seq: row.seq,
    });
    let query = Query {
        filter,
        search: search.map(|text| Terms::parse(&text).expect("words")),
        sort,
        after: cursor.clone(),
        ..Query::new(scope, limit)
    };
    let mut wanted: Vec<&Row> = model
        .values()
        .filter(|row| row.deleted_at.is_none())
        .filter(|row| meets(row, &query.filter) && meets(row, &query.scope))
        .filter(|row| query.search.as_ref().is_none_or(|terms| is_found(row, terms)))
        .collect();
    wanted.sort_by(|a, b| compare(a, b, sort));
    let found = index.find(&query).expect("the index can tell");
    assert_eq!(found.total, wanted.len() as u64, "{query:?}: the total");
    assert_eq!(index.count(&query), Some(found.total));
    if let Some(cursor) = cursor {
        wanted.retain(|row| {
            let by_key = match sort.column {
                None => Ordering::Equal,
                Some(name) => compare_values(&value(row, name), &cursor.key),
            };
            let order = by_key.then(row.seq.cmp(&cursor.seq));
            order == if sort.descending { Ordering::Less } else { Ordering::Greater }
        });
    }
    let wanted: Vec<(i64, i64)> =
        wanted.iter().take(limit as usize).map(|row| (row.seq, row.version)).collect();
    assert_eq!(found.rows, wanted, "{query:?}");
    for row in model.values() {
        assert_eq!(index.meets(row, &query.filter), meets(row, &query.filter), "{query:?} {row:?}");
    }
}

fn built(model: &BTreeMap<i64, Row>) -> Index {
    // What a large index does with many values and rows, it does with few.
    let sizes = Sizes { values: 3, walk: 10, bucket: 3, few: 2 };
    let base = model.keys().next().copied().unwrap_or(1).min(5);
    let mut index = Index::sized(&SCHEMA, base, sizes);
    index.set_places(places());
    for row in model.values().filter(|row| row.deleted_at.is_none()) {
        index.add(row).expect("it fits");
    }
    index.finish().expect("it fits");
    index
}

/// Whatever rows come, change and go, the index answers as a model does.
fn assert_follows(first: Vec<Row>, changes: Vec<(Row, Vec<Asked>)>) {
    let mut model: BTreeMap<i64, Row> = first.into_iter().map(|row| (row.seq, row)).collect();
    let mut index = built(&model);
    for (mut row, questions) in changes {
        row.version = model.get(&row.seq).map_or(1, |old| old.version + 1);
        index.put(&row).expect("it fits");
        model.insert(row.seq, row);
        for asked in questions {
            assert_answers(&index, &model, asked);
        }
    }
    // What grew by changes is what would be built anew.
    let anew = built(&model);
    for sort in [None, Some("name"), Some("pieces")] {
        let mut query = Query::new(Predicate::All, 100);
        query.sort = Sort { column: sort, descending: false, required: false };
        assert_eq!(index.find(&query), anew.find(&query));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_index_answers_as_a_model_does_whatever_changes(
        first in prop::collection::vec(row(), 0..40),
        changes in prop::collection::vec((row(), prop::collection::vec(asked(), 1..6)), 1..20),
    ) {
        assert_follows(first, changes);
    }

    #[test]
    fn pages_follow_one_another_without_a_gap(
        rows in prop::collection::vec(row(), 0..60),
        asked in asked(),
        size in 1_u32..9,
    ) {
        let model: BTreeMap<i64, Row> = rows.into_iter().map(|row| (row.seq, row)).collect();
        let index = built(&model);
        let search = asked.search.map(|text| Terms::parse(&text).expect("words"));
        let whole = Query {
            filter: asked.filter, sort: asked.sort, search, ..Query::new(asked.scope, 1_000)
        };
        let all = index.find(&whole).expect("the index can tell").rows;
        let mut page_of = Query { limit: size, ..whole };
        let mut got = Vec::new();
        loop {
            let page = index.find(&page_of).expect("the index can tell").rows;
            let Some((seq, _)) = page.last() else { break };
            let row = &model[seq];
            let key = asked.sort.column.map_or(Value::Null, |name| value(row, name));
            page_of.after = Some(Cursor { sort: asked.sort.name(), key, seq: *seq });
            got.extend(page);
        }
        prop_assert_eq!(got, all);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn it_does_across_segments(
        first in prop::collection::vec(row().prop_map(far), 0..40),
        changes in prop::collection::vec(
            (row().prop_map(far), prop::collection::vec(asked(), 1..6)), 1..30),
    ) {
        assert_follows(first, changes);
    }
}

#[test]
fn what_is_not_kept_is_left_to_the_database() {
    let index = built(&BTreeMap::new());
    let filtered = |filter| Query { filter, ..Query::new(Predicate::All, 10) };
    for filter in [
        Predicate::Equals("id", Value::Id(id(1))),
        Predicate::Equals("code", Value::Text("C-01".into())),
        Predicate::Within("id", vec![id(1)]),
        Predicate::Equals("pieces", Value::Text("many".into())),
        Predicate::Or(vec![Predicate::Equals("nothing", Value::Null)]),
    ] {
        assert_eq!(index.find(&filtered(filter.clone())), None, "{filter:?}");
    }
    let mut query = Query::new(Predicate::All, 10);
    query.search = Some(Terms::parse("q1kindseed").expect("words"));
    assert_eq!(index.find(&query), None, "the words of facets are not kept");
    query = Query::new(Predicate::All, 10);
    query.deleted = vivero_core::query::Deleted::Only;
    assert_eq!(index.find(&query), None, "deleted rows are not kept");
}

#[test]
fn what_does_not_fit_is_refused_and_not_cut_off() {
    let mut index = built(&BTreeMap::new());
    let mut row = Row {
        seq: 4,
        id: id(1),
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        created_by: id(1),
        updated_at: DateTime::UNIX_EPOCH,
        updated_by: id(1),
        deleted_at: None,
        values: vec![
            Value::Text("C".into()),
            Value::Null,
            Value::Text("seed".into()),
            Value::Null,
            Value::Null,
            Value::Bool(true),
            Value::Null,
        ],
    };
    row.seq = -5;
    assert!(index.put(&row).is_err(), "a number before the first");
    row.seq = i64::from(u32::MAX) + 100;
    assert!(index.put(&row).is_err(), "a number too far from it");
    row.seq = 7;
    row.values[4] = Value::Int(i64::MIN);
    assert!(index.put(&row).is_err(), "a number that would be none");
}

/// Enough rows for every kind of set, several pieces of each order, and pages found either way.
#[test]
fn thousands_of_rows_are_answered_as_by_the_model() {
    let at = |second: i64| DateTime::<Utc>::from_timestamp(second, 0).expect("a time");
    let thing = |seq: i64, turn: i64| {
        let mixed = (seq * 7_919 + turn * 104_729) % 10_007;
        Row {
            seq,
            id: Uuid::from_u128(seq.unsigned_abs().into()),
            version: turn + 1,
            created_at: at(0),
            created_by: id(0),
            updated_at: at(mixed % 50),
            updated_by: id(0),
            deleted_at: (mixed % 17 == 3).then(|| at(9)),
            values: vec![
                Value::Text(format!("C-{seq:05}")),
                Value::Text(format!("Name {} no {}", mixed % 300, mixed % 3)),
                Value::Text(["seed", "bulb", "young plant"][(mixed % 3) as usize].into()),
                Value::Id(id((mixed % 5) as u128)),
                if mixed % 7 == 0 { Value::Null } else { Value::Int(mixed % 40) },
                // Mostly so, and never among the first: a walk passes over many.
                Value::Bool(seq % 1_000 < 990),
                Value::Text(format!("{}W{:02}-N{}", mixed % 9, mixed % 52, seq % 700)),
            ],
        }
    };
    let mut model: BTreeMap<i64, Row> = (1..=3_000).map(|seq| (seq, thing(seq, 0))).collect();
    let mut index = built(&model);
    let assert_all = |index: &Index, model: &BTreeMap<i64, Row>| {
        let is = |name, value| Predicate::Equals(name, value);
        let filters = [
            Predicate::All,
            is("kind", Value::Text("seed".into())),
            is("kept", Value::Bool(false)),
            Predicate::Within("place", vec![id(1)]),
            is("kind", Value::Text("bulb".into())).and(Predicate::Within("place", vec![id(2)])),
            is("kept", Value::Bool(false)).and(is("pieces", Value::Null)),
            is("batch", model[&77].values[6].clone()),
        ];
        let columns =
            [None, Some("updated_at"), Some("code"), Some("name"), Some("pieces"), Some("kept")];
        for (n, filter) in filters.iter().enumerate() {
            for (m, column) in columns.into_iter().enumerate() {
                for (descending, after) in
                    [(false, false), (true, false), (false, true), (true, true)]
                {
                    let search =
                        ["c", "name 2", "no 1", "C-0123", "7w", "n12 name"].get((n + m) % 9);
                    assert_answers(
                        index,
                        model,
                        Asked {
                            filter: filter.clone(),
                            scope: Predicate::All,
                            search: search.map(|s| (*s).to_owned()),
                            sort: Sort { column, descending, required: false },
                            limit: 51,
                            after: after.then(|| thing(1_501, 5)),
                        },
                    );
                }
            }
        }
    };
    assert_all(&index, &model);
    for turn in 1..3 {
        for seq in (turn..=3_200).step_by(5) {
            let row = thing(seq, turn);
            index.put(&row).expect("it fits");
            model.insert(seq, row);
        }
        assert_all(&index, &model);
    }
    assert!(index.bytes() < 3_200 * 1_000, "{} bytes", index.bytes());
}
