use crate::rules;
use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use vivero_core::tenant::{
    OperationType, Plan, RESERVED_SLUGS, Slug, Standing, TRIAL_DAYS, Tenant, TenantState,
};
use vivero_core::{TenantId, Uuid};

fn fits(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    (3..=40).contains(&text.len())
        && text.split('-').all(|part| !part.is_empty() && part.chars().all(inner))
        && !RESERVED_SLUGS.contains(&text)
}

#[test]
fn slugs_are_taken_and_refused_at_their_limits() {
    for (text, rule) in [
        ("abc", None),
        ("a-1", None),
        ("123", None),
        ("ab", Some("slug: slug")),
        ("", Some("slug: slug")),
        ("-abc", Some("slug: slug")),
        ("abc-", Some("slug: slug")),
        ("a--b", Some("slug: slug")),
        ("Abc", Some("slug: slug")),
        ("a_b", Some("slug: slug")),
        ("a.b", Some("slug: slug")),
        ("a/b", Some("slug: slug")),
        ("äbc", Some("slug: slug")),
        ("abc\n", Some("slug: slug")),
        ("platform", Some("slug: reserved")),
        ("trials", Some("slug: reserved")),
        ("platforms", None),
    ] {
        let refused = text.parse::<Slug>().err().map(|e| rules(&e).join(", "));
        assert_eq!(refused.as_deref(), rule, "{text:?}");
    }
    assert!("x".repeat(40).parse::<Slug>().is_ok());
    assert!("x".repeat(41).parse::<Slug>().is_err());
}

#[test]
fn names_of_organisations_become_slugs() {
    for (name, slug) in [
        ("Acme Plants", Some("acme-plants")),
        ("Baumschule Müller & Söhne", Some("baumschule-muller-sohne")),
        ("  Ł. Kowalska, Żary  ", Some("l-kowalska-zary")),
        ("Œuvre d'Été", Some("oeuvre-d-ete")),
        ("STRAẞE 7", Some("strasse-7")),
        (
            "a very long name of an organisation that goes on",
            Some("a-very-long-name-of-an-organisation"),
        ),
        ("Platform", None),
        ("植物园", None),
        ("&", None),
        ("", None),
    ] {
        assert_eq!(Slug::suggest(name).as_ref().map(Slug::as_str), slug, "{name:?}");
    }
    let taken: Slug = "acme".parse().expect("a slug");
    assert_eq!(taken.numbered(2).expect("room for a number").as_str(), "acme-2");
}

proptest! {
    #[test]
    fn a_slug_is_taken_exactly_if_it_fits(text in "[a-z0-9-]{0,44}|[a-zA-Z0-9_. äß-]{0,12}|\\PC{0,12}") {
        match text.parse::<Slug>() {
            Ok(slug) => {
                prop_assert!(fits(&text));
                prop_assert_eq!(slug.as_str(), &text);
                prop_assert_eq!(slug.to_string(), text);
            }
            Err(_) => prop_assert!(!fits(&text)),
        }
    }

    #[test]
    fn a_suggested_slug_always_fits(name in "\\PC{0,80}|[A-Za-zÀ-ž &.'-]{0,80}", number in 2..10_000_u32) {
        if let Some(slug) = Slug::suggest(&name) {
            prop_assert!(fits(slug.as_str()), "{}", slug);
            prop_assert!(slug.as_str().len() <= 36, "room is left for a number");
            if number < 1_000 {
                prop_assert!(slug.numbered(number).is_some());
            }
        }
    }

    #[test]
    fn a_name_in_plain_letters_always_gives_a_slug(name in "[A-Z][a-z]{3,20}( [A-Z][a-z]{1,9}){1,3}") {
        prop_assert!(Slug::suggest(&name).is_some());
    }
}

fn tenant(state: TenantState, plan: Plan, at: DateTime<Utc>) -> Tenant {
    Tenant {
        id: TenantId::from_uuid(Uuid::from_u128(1)),
        slug: "acme".parse().expect("a slug"),
        organization: "Acme".into(),
        operation_type: OperationType::Mixed,
        state,
        plan,
        generation: 1,
        schema_version: 1,
        version: 1,
        created_at: at,
        neutral: false,
    }
}

#[test]
fn standing_follows_state_plan_and_time() {
    let start = DateTime::UNIX_EPOCH + Duration::days(20_000);
    let trial = Plan::trial(start);
    let over = start + Duration::days(TRIAL_DAYS);
    let instants = [start, over - Duration::microseconds(1), over, over + Duration::days(4_000)];
    for (state, plan, wanted) in [
        (
            TenantState::Active,
            trial,
            [Standing::Full, Standing::Full, Standing::ReadOnly, Standing::ReadOnly],
        ),
        (TenantState::Active, Plan::Contract, [Standing::Full; 4]),
        (TenantState::Loading, trial, [Standing::Blocked("loading"); 4]),
        (TenantState::Archived, trial, [Standing::Blocked("archived"); 4]),
        (TenantState::Deleting, Plan::Contract, [Standing::Blocked("deleting"); 4]),
        (TenantState::Suspended, trial, [Standing::Blocked("suspended"); 4]),
        (TenantState::Suspended, Plan::Contract, [Standing::Blocked("suspended"); 4]),
        (TenantState::Closed, Plan::Contract, [Standing::Blocked("closed"); 4]),
        (TenantState::Provisioning, trial, [Standing::Blocked("provisioning"); 4]),
    ] {
        let tenant = tenant(state, plan, start);
        assert_eq!(instants.map(|at| tenant.standing(at)), wanted, "{state}, {plan:?}");
    }
}

#[test]
fn states_of_tenants_change_as_published() {
    let table: Vec<String> = TenantState::ALL
        .iter()
        .map(|from| {
            let to: Vec<&str> = from.next().iter().map(|s| s.as_str()).collect();
            format!("{from} -> {}", to.join(", "))
        })
        .collect();
    assert_eq!(
        table,
        [
            "provisioning -> active, closed",
            "active -> suspended, closed",
            "loading -> ",
            "suspended -> active, closed",
            "archived -> ",
            "deleting -> active",
            "closed -> ",
        ]
    );
}
