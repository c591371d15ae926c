use crate::broken;
use std::fmt::Write as _;
use vivero_core::error::Check;
use vivero_core::location::{Location, LocationKind};
use vivero_core::{LocationId, Record as _, Uuid};

/// What may lie directly in what.
const PUBLISHED: &str = "\
top: site
site: greenhouse, tunnel, field, bed, store
greenhouse: bed
tunnel: bed
field: bed
bed: bed
store: nothing
";

#[test]
fn places_lie_in_each_other_as_published() {
    let parents = std::iter::once(None).chain(LocationKind::ALL.iter().copied().map(Some));
    let mut text = String::new();
    for parent in parents {
        let inside: Vec<&str> = LocationKind::ALL
            .iter()
            .filter(|kind| kind.fits_in(parent))
            .map(|kind| kind.as_str())
            .collect();
        let name = parent.map_or("top", LocationKind::as_str);
        let inside = if inside.is_empty() { "nothing".into() } else { inside.join(", ") };
        writeln!(text, "{name}: {inside}").expect("writing");
    }
    assert_eq!(text, PUBLISHED);
}

fn verdict(edit: impl FnOnce(&mut Location)) -> String {
    let mut place = Location {
        id: LocationId::from_uuid(Uuid::from_u128(1)),
        parent_id: None,
        kind: LocationKind::Site,
        code: "S".into(),
        name: "Site".into(),
        area_dm2: None,
        path: String::new(),
    };
    edit(&mut place);
    let mut check = Check::new();
    place.validate(&mut check);
    broken(check).join(", ")
}

#[test]
fn places_have_limits() {
    assert_eq!(verdict(|_| ()), "");
    for (code, wanted) in [
        ("x".repeat(64), ""),
        ("x".repeat(65), "code: max_length"),
        (" ".into(), "code: min_length"),
        ("\u{1b}[2J".into(), "code: no_control_characters"),
    ] {
        assert_eq!(verdict(|l| l.code = code), wanted);
    }
    for (name, wanted) in [
        ("ж".repeat(200), ""),
        ("ж".repeat(201), "name: max_length"),
        (String::new(), "name: min_length"),
    ] {
        assert_eq!(verdict(|l| l.name = name), wanted);
    }
    for (area, wanted) in [
        (0, ""),
        (1_000_000_000_000, ""),
        (-1, "area_dm2: minimum"),
        (1_000_000_000_001, "area_dm2: maximum"),
    ] {
        assert_eq!(verdict(|l| l.area_dm2 = Some(area)), wanted, "{area}");
    }
}
