use crate::rules;
use proptest::prelude::*;
use vivero_core::files::{Area, Checksum, FileKey, FilePrefix, MAX_KEY_IDS, ObjectName};
use vivero_core::{FileId, TenantId, Uuid};

fn area() -> impl Strategy<Value = Area> {
    prop_oneof![Just(Area::Quarantine), Just(Area::Stored)]
}
/// Ids of chance, and the ones at the ends.
fn id() -> impl Strategy<Value = Uuid> {
    prop_oneof![
        4 => any::<u128>(),
        1 => Just(0),
        1 => Just(u128::MAX),
        2 => (0_u128..3).prop_map(|n| n << 126),
    ]
    .prop_map(Uuid::from_u128)
}
fn key() -> impl Strategy<Value = FileKey> {
    (area(), prop::collection::vec(id(), 1..=MAX_KEY_IDS))
        .prop_map(|(area, ids)| FileKey::new(area, &ids).expect("a key"))
}
fn tenant() -> impl Strategy<Value = TenantId> {
    id().prop_map(TenantId::from_uuid)
}

proptest! {
    #[test]
    fn a_key_reads_back_what_it_wrote(key in key()) {
        let text = key.to_string();
        prop_assert_eq!(text.parse::<FileKey>().expect("its own text"), key);
        prop_assert_eq!(FileKey::new(key.area(), key.ids()).expect("its own ids"), key);
    }

    #[test]
    fn keys_are_ordered_as_their_texts_are(a in key(), b in key()) {
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    #[test]
    fn a_name_in_a_store_begins_with_the_tenant_and_stays_below_it(tenant in tenant(), key in key()) {
        let name = ObjectName::new(tenant, key);
        let text = name.to_string();
        let inside = text.strip_prefix(&format!("{}/", tenant.uuid().simple())).expect("its tenant");
        prop_assert_eq!(inside, key.to_string());
        let known = |b: u8| b.is_ascii_digit() || b.is_ascii_lowercase() || b == b'/' || b == b'-';
        prop_assert!(text.bytes().all(known), "{}", text);
        prop_assert_eq!(text.matches('/').count(), 2);
        prop_assert!(text.len() <= 32 + 1 + 10 + 1 + MAX_KEY_IDS * 33, "{} fits any store", text);
        prop_assert_eq!(text.parse::<ObjectName>().expect("its own text"), name);
    }

    #[test]
    fn names_of_two_tenants_never_meet(a in tenant(), b in tenant(), x in key(), y in key()) {
        prop_assume!(a != b);
        let (one, other) = (ObjectName::new(a, x).to_string(), ObjectName::new(b, y).to_string());
        prop_assert_ne!(&one, &other);
        for prefix in [FilePrefix::all(), FilePrefix::area(y.area()), FilePrefix::from_key(y)] {
            prop_assert!(!one.starts_with(&ObjectName::prefix(b, &prefix)));
        }
    }

    #[test]
    fn a_prefix_contains_what_its_text_begins(tenant in tenant(), key in key(), other in key(), cut in 1..=MAX_KEY_IDS) {
        let above = FileKey::new(key.area(), &key.ids()[..cut.min(key.ids().len())]).expect("a key");
        prop_assert!(FilePrefix::from_key(above).contains(&key));
        for prefix in [
            FilePrefix::all(),
            FilePrefix::area(Area::Stored),
            FilePrefix::from_key(above),
            FilePrefix::from_key(other),
        ] {
            let begins = ObjectName::new(tenant, key)
                .to_string()
                .starts_with(&ObjectName::prefix(tenant, &prefix));
            prop_assert_eq!(prefix.contains(&key), begins, "{} and {}", prefix, key);
        }
    }

    #[test]
    fn whatever_is_read_as_a_key_is_written_the_same(text in "\\PC{0,80}|(stored|quarantine|Stored|)/?[0-9a-fA-F/.-]{0,110}") {
        for text in [text.clone(), format!("stored/{text}"), format!("{text}/..")] {
            match text.parse::<FileKey>() {
                Ok(key) => prop_assert_eq!(key.to_string(), text.as_str()),
                Err(refused) => prop_assert_eq!(rules(&refused), vec!["file_key: file_key".to_owned()]),
            }
            if let Ok(name) = text.parse::<ObjectName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }

    #[test]
    fn whatever_is_read_as_a_checksum_is_written_the_same(bytes: [u8; 32], text in "[0-9a-fA-F]{60,68}|\\PC{0,70}") {
        let sum = Checksum::from_bytes(bytes);
        prop_assert_eq!(sum.to_string().parse::<Checksum>().expect("its own text"), sum);
        let json = serde_json::to_string(&sum).expect("json");
        prop_assert_eq!(serde_json::from_str::<Checksum>(&json).expect("its own json"), sum);
        if let Ok(sum) = text.parse::<Checksum>() {
            prop_assert_eq!(sum.to_string(), text);
        }
    }
}

#[test]
fn hostile_texts_are_no_keys() {
    let id = "0190aaaabbbb70008000ccccddddeeee";
    let key = format!("stored/{id}");
    key.parse::<FileKey>().expect("a key");
    let (long, other) = ("a".repeat(1_000_000), Uuid::max().simple().to_string());
    for text in [
        "",
        "/",
        "//",
        ".",
        "..",
        "../",
        "../../etc/passwd",
        "stored",
        "stored/",
        "stored//",
        "stored/.",
        "stored/..",
        "stored/../quarantine",
        "/etc/passwd",
        "C:\\Windows",
        "\\\\host\\share",
        "stored\\file",
        "stored/\0",
        "stored/%2e%2e",
        "stored/日本語",
        "stored/ａ",
        &long,
        &format!("stored/{long}"),
        &format!("/{key}"),
        &format!("{key}/"),
        &format!("{key} "),
        &format!(" {key}"),
        &format!("{key}\n"),
        &format!("{key}\0"),
        &format!("{key}/.."),
        &format!("{key}/../{other}"),
        &format!("{key}/{other}"),
        &format!("{key}-"),
        &format!("{key}--{other}"),
        &format!("{key}-{other}-{other}-{other}"),
        &format!("STORED/{id}"),
        &format!("stored/{}", id.to_uppercase()),
        &format!("stored/{}", Uuid::max()),
        &format!("stored/{{{id}}}"),
        &format!("stored/urn:uuid:{id}"),
        &format!("{other}/{key}"),
        &format!("secret/{id}"),
        &format!("stored/{}", &id[1..]),
        &format!("stored/0{id}"),
        &format!("stored/+{}", &id[1..]),
        &format!("stored/0x{}", &id[2..]),
    ] {
        let refused = text.parse::<FileKey>().map(|key| key.to_string()).expect_err("no key");
        assert_eq!(rules(&refused), ["file_key: file_key"], "{}", &text[..text.len().min(80)]);
        let name = format!("{other}/{text}");
        assert!(name.parse::<ObjectName>().is_err(), "{}", &name[..name.len().min(80)]);
    }
    for tenant in ["", ".", "..", &id[1..], &format!("{id}-{id}"), "日本語", &long] {
        assert!(format!("{tenant}/{key}").parse::<ObjectName>().is_err());
    }
}

#[test]
fn a_key_has_one_to_three_ids() {
    let id = Uuid::from_u128(1);
    for (count, fits) in [(0, false), (1, true), (3, true), (4, false), (1_000, false)] {
        let made = FileKey::new(Area::Stored, &vec![id; count]);
        assert_eq!(made.is_ok(), fits, "{count} ids");
    }
    let file = FileId::from_uuid(id);
    assert_eq!(FileKey::stored(file), FileKey::quarantined(file).in_area(Area::Stored));
    assert_ne!(FileKey::stored(file), FileKey::quarantined(file));
    assert_eq!(FileKey::stored(file).to_string(), format!("stored/{}", id.simple()));
}
