use crate::assert_snapshot;
use std::collections::HashSet;
use vivero_core::operation::{OPERATIONS, Requires, find, matrix};
use vivero_core::permission::{Grant, PermissionSet};
use vivero_core::user::BUILT_IN_ROLES;

#[test]
fn the_permission_matrix_is_as_committed() {
    assert_snapshot("permission_matrix.txt", &matrix(BUILT_IN_ROLES));
}

#[test]
fn every_operation_is_declared_once_with_a_permission_that_reads() {
    let mut ids = HashSet::new();
    for operation in OPERATIONS {
        assert!(ids.insert(operation.id), "{} is declared once", operation.id);
        assert_eq!(find(operation.id), Some(operation));
        if let Requires::Permission(permission) = operation.requires {
            let grant: Grant = permission.parse().expect("a permission that can be granted");
            assert!(!grant.permission().contains('*'), "{permission} names one action");
        }
    }
    assert_eq!(find("entity_lists"), None);
    assert_eq!(find(""), None);
}

#[test]
fn every_grant_of_a_built_in_role_is_good_for_something() {
    let asked: Vec<&str> = OPERATIONS
        .iter()
        .filter_map(|o| match o.requires {
            Requires::Permission(permission) => Some(permission),
            _ => None,
        })
        .collect();
    for role in BUILT_IN_ROLES {
        for grant in role.grants {
            let set = PermissionSet::new([grant]);
            let used = asked.iter().any(|p| set.scopes(p).is_some());
            assert!(used, "{} of {} opens an operation", grant, role.name);
        }
    }
}

#[test]
fn each_built_in_role_has_all_of_the_next_but_its_places() {
    let sets: Vec<PermissionSet> =
        BUILT_IN_ROLES.iter().map(|r| PermissionSet::new(r.grants)).collect();
    for (i, greater) in sets.iter().enumerate().take(2) {
        for role in &BUILT_IN_ROLES[i + 1..] {
            for grant in role.grants {
                let name = BUILT_IN_ROLES[i].name;
                assert!(greater.covers(grant), "{name} may do {grant} as {} may", role.name);
            }
        }
    }
    for role in &BUILT_IN_ROLES[1..] {
        let set = PermissionSet::new(role.grants);
        for governs in ["user.create", "user.update", "role.create", "role.update", "audit.verify"]
        {
            assert!(set.scopes(governs).is_none(), "{} may not {governs}", role.name);
        }
    }
}
