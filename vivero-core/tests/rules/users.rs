use crate::broken;
use vivero_core::error::Check;
use vivero_core::permission::Grant;
use vivero_core::user::{BUILT_IN_ROLES, List, Role, User, UserStatus, check_email};
use vivero_core::{LocationId, Record, RoleId, UserId, Uuid};

fn verdict<R: Record>(record: &R) -> String {
    let mut check = Check::new();
    record.validate(&mut check);
    broken(check).join(", ")
}

fn user() -> User {
    User {
        id: UserId::from_uuid(Uuid::from_u128(1)),
        email: "robin@example.com".into(),
        name: "Robin".into(),
        status: UserStatus::Active,
        roles: List(Vec::new()),
        locations: List(Vec::new()),
    }
}

#[test]
fn addresses_are_taken_and_refused() {
    let local = |n: usize| format!("{}@example.com", "x".repeat(n));
    for good in [
        "robin@example.com",
        "r@e.x",
        "müller@bücher.example",
        "a+b.c'd@sub.example.org",
        &local(64),
    ] {
        let mut check = Check::new();
        check_email(&mut check, good);
        assert!(broken(check).is_empty(), "{good:?}");
    }
    let long = format!("r@{}.example", "x".repeat(250));
    for bad in [
        "",
        "@",
        "robin",
        "robin@",
        "@example.com",
        "robin@example",
        "robin@example.",
        "robin@.com",
        "robin@example..com",
        "robin@@example.com",
        "robin@ex@ample.com",
        "robin hood@example.com",
        "robin@example.com\n",
        "robin@exa mple.com",
        "robin\0@example.com",
        "robin\u{a0}@example.com",
        " robin@example.com",
        &long,
        &local(65),
    ] {
        let mut check = Check::new();
        check_email(&mut check, bad);
        assert_eq!(broken(check), ["email: email"], "{bad:?}");
    }
}

#[test]
fn people_have_limits() {
    assert_eq!(verdict(&user()), "");
    for (name, wanted) in [
        ("x".repeat(200), ""),
        ("x".repeat(201), "name: max_length"),
        (String::new(), "name: min_length"),
        ("line\u{0}".into(), "name: no_control_characters"),
    ] {
        assert_eq!(verdict(&User { name, ..user() }), wanted);
    }
    let role = RoleId::from_uuid(Uuid::from_u128(2));
    let place = LocationId::from_uuid(Uuid::from_u128(3));
    for (roles, places, wanted) in [
        (20, 200, ""),
        (21, 0, "roles: max_items"),
        (0, 201, "locations: max_items"),
        (21, 201, "roles: max_items, locations: max_items"),
    ] {
        let roles = List(vec![role; roles]);
        let locations = List(vec![place; places]);
        assert_eq!(verdict(&User { roles, locations, ..user() }), wanted);
    }
    assert_eq!(verdict(&User { email: "nobody".into(), ..user() }), "email: email");
}

#[test]
fn roles_have_limits_and_allow_something() {
    let role = |name: &str, description: &str, grants: usize| Role {
        id: RoleId::from_uuid(Uuid::from_u128(1)),
        name: name.into(),
        description: description.into(),
        grants: List(vec![Grant::all("entity.read"); grants]),
        built_in: false,
    };
    for (role, wanted) in [
        (role("Picker", "", 1), ""),
        (role(&"x".repeat(64), &"x".repeat(500), 200), ""),
        (role("", "", 1), "name: min_length"),
        (role(&"x".repeat(65), "", 1), "name: max_length"),
        (role("Picker", &"x".repeat(501), 1), "description: max_length"),
        (role("Picker", "", 0), "grants: min_items"),
        (role("Picker", "", 201), "grants: max_items"),
    ] {
        assert_eq!(verdict(&role), wanted, "{} with {} grants", role.name, role.grants.0.len());
    }
}

#[test]
fn built_in_roles_are_roles_that_could_be_stored() {
    let names: Vec<&str> = BUILT_IN_ROLES.iter().map(|r| r.name).collect();
    assert_eq!(names, ["Admin", "Manager", "Operator", "Viewer"]);
    for built_in in BUILT_IN_ROLES {
        let role = Role {
            id: RoleId::from_uuid(Uuid::from_u128(1)),
            name: built_in.name.into(),
            description: built_in.description.into(),
            grants: List(built_in.grants.to_vec()),
            built_in: true,
        };
        assert_eq!(verdict(&role), "", "{}", built_in.name);
        let again = Role::from_values(role.record_id(), role.clone().into_values());
        assert_eq!(again, Ok(role), "grants survive storage");
    }
}
