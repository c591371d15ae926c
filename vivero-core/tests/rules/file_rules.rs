use crate::rules;
use proptest::prelude::*;
use vivero_core::files::{FileKind, FileRules, MAX_FILE_BYTES, Sample, kinds};
use vivero_core::{Error, Result};

fn code(outcome: Result<&'static FileKind>) -> String {
    match outcome {
        Ok(kind) => kind.name.into(),
        Err(error @ Error::Invalid(_)) => rules(&error).join(", "),
        Err(error) => error.code().into_owned(),
    }
}

#[test]
fn what_is_announced_is_taken_or_refused() {
    let rules = FileRules::default().kinds(&[&kinds::JPEG, &kinds::CSV]).max_size(1_000);
    for (name, size, wanted) in [
        ("a.jpg", None, "JPEG image"),
        ("a.jpeg", Some(1), "JPEG image"),
        ("A.B.JPG", Some(1_000), "JPEG image"),
        ("a.csv", Some(1_000), "CSV table"),
        ("a.png", Some(10), "file_name: extension"),
        ("a.svg", Some(10), "file_name: extension"),
        ("a.jpg.exe", Some(10), "file_name: extension"),
        ("a.jpgx", Some(10), "file_name: extension"),
        ("jpg", Some(10), "file_name: extension"),
        (".jpg", Some(10), "file_name: extension"),
        ("a.", Some(10), "file_name: trimmed, file_name: extension"),
        ("a.ｊｐｇ", Some(10), "file_name: extension"),
        ("a.jpg ", Some(10), "file_name: trimmed, file_name: extension"),
        ("a.jpg\0", Some(10), "file_name: no_control_characters, file_name: extension"),
        ("a.csv", Some(0), "file: min_size"),
        ("a.csv", Some(1_001), "file: max_size"),
        ("a.csv", Some(u64::MAX), "file: max_size"),
        ("../a.txt", Some(0), "file_name: no_path, file_name: extension, file: min_size"),
    ] {
        assert_eq!(code(rules.announced(name, size, 0)), wanted, "{name:?} of {size:?}");
    }
    assert_eq!(
        code(FileRules::default().kinds(&[]).announced("a.jpg", None, 0)),
        "file_name: extension"
    );
}

#[test]
fn what_a_browser_would_run_is_no_kind() {
    for ending in ["svg", "svgz", "html", "htm", "xhtml", "xml", "js", "mjs", "php", "exe", "xlsm"]
    {
        let known = kinds::ALL.iter().find(|kind| kind.extensions.contains(&ending));
        assert_eq!(known, None, "{ending}");
    }
    for kind in kinds::ALL {
        assert!(!kind.media_type.starts_with("text/html") && !kind.media_type.contains("svg"));
        for ending in kind.extensions {
            assert_eq!(*ending, ending.to_ascii_lowercase(), "endings are compared in lower case");
            let same = kinds::ALL.iter().filter(|other| other.extensions.contains(ending)).count();
            assert_eq!(same, 1, "{ending} is of one kind");
        }
    }
}

#[test]
fn no_rule_lets_in_more_than_a_store_can_hold() {
    let rules = FileRules::default().max_size(u64::MAX);
    assert_eq!(rules.room(0), MAX_FILE_BYTES);
    assert!(rules.announced("a.csv", Some(MAX_FILE_BYTES + 1), 0).is_err());
}

/// A kind of an embedder's own.
static PLAN: FileKind = FileKind {
    name: "greenhouse plan",
    extensions: &["plan"],
    media_type: "application/x-plan",
    check: |sample| {
        if sample.head.starts_with(b"PLAN") { Ok(()) } else { Err("it does not begin with PLAN") }
    },
};

#[test]
fn an_embedder_can_add_a_kind() {
    let rules = FileRules::default().kinds(&[&PLAN]);
    let kind = rules.announced("north.plan", None, 0).expect("it is of a kind");
    rules.content(kind, Sample { head: b"PLAN 7", size: None }).expect("it is what it says");
    let refused =
        rules.content(kind, Sample { head: b"<svg>", size: None }).expect_err("it is not");
    assert!(refused.to_string().contains("not a sound greenhouse plan: it does not begin"));
}

proptest! {
    #[test]
    fn sizes_and_quota_agree_however_they_are_asked(
        max in 1_u64..2_000, quota in prop::option::of(0_u64..4_000), used in 0_u64..5_000, size in 0_u64..3_000,
    ) {
        let mut limits = FileRules::default().max_size(max);
        if let Some(quota) = quota {
            limits = limits.quota(quota);
        }
        let announced = limits.announced("a.csv", Some(size), used);
        let arrived = limits.arrived(size, used);
        let fits = size > 0 && size <= max && quota.is_none_or(|quota| used + size <= quota);
        prop_assert_eq!(announced.is_ok(), fits);
        prop_assert_eq!(arrived.is_ok(), fits);
        prop_assert_eq!(size > 0 && size <= limits.room(used), fits, "room is the most that fits");
        // Of unknown size: taken if one byte would be.
        let unknown = limits.announced("a.csv", None, used);
        prop_assert_eq!(unknown.is_ok(), quota.is_none_or(|quota| used < quota));
        if let Err(error) = arrived {
            let by_quota = error.code() == "file_quota_reached";
            prop_assert_eq!(by_quota, size > 0 && size <= max, "what is wrong with the file comes first");
        }
    }

    #[test]
    fn sums_beyond_all_numbers_are_beyond_the_quota(used in u64::MAX - 10.., size in 11_u64..20) {
        let limits = FileRules::default().quota(u64::MAX);
        // Saturating: only what would overflow is refused by nothing else than arithmetic.
        let full = FileRules::default().quota(u64::MAX - 1);
        prop_assert!(full.arrived(size, used).is_err());
        prop_assert_eq!(limits.room(used), u64::MAX - used);
    }
}
