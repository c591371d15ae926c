//! vivero inside a program of one's own: no server, no HTTP.
//!
//! `cargo run --example embed`

use vivero_core::entity::{EntityType, NewEntity, Status, Transition};
use vivero_core::location::{LocationKind, NewLocation};
use vivero_core::{EntityFilter, NewTenant, Owner, Page, Password, Vivero};
use vivero_store::Open as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let vivero = Vivero::open(&format!("sqlite:{}", folder.path().display())).await?;

    // A tenant with a database of its own, for 30 days.
    let (email, secret) = ("grower@example.com", "correct horse battery");
    let trial = vivero
        .tenants()
        .provision(NewTenant::trial("acme-plants", Owner::new(email, secret)))
        .await?;
    println!("{} has a database of its own: {}", trial.slug, trial.id);

    // A verified credential is the only door to it.
    let acme = vivero.sign_in("acme-plants", Password::new(email, secret)).await?;
    let site =
        acme.locations().create(NewLocation::new(LocationKind::Site, "N", "North", None)).await?;
    let bed = |code: &str| {
        NewLocation::new(LocationKind::Bed, code, format!("Bed {code}"), Some(site.id))
    };
    let bed_7 = acme.locations().create(bed("N-B07")).await?.id;
    let bed_9 = acme.locations().create(bed("N-B09")).await?.id;

    let new = NewEntity::new(
        "LAV-2026-00001",
        "Lavandula angustifolia 'Hidcote'",
        EntityType::Cutting,
        4_000,
    );
    let lot = acme.entities().create(new.at(bed_7)).await?;
    let step = |status| Transition { status: Some(status), ..Transition::default() };
    let lot =
        acme.entities().transition(lot.id, Some(lot.version), &step(Status::Processing)).await?;
    let lot = acme.entities().transition(lot.id, Some(lot.version), &step(Status::Ready)).await?;

    let ready = EntityFilter::new().status(Status::Ready).location(bed_7);
    let page = acme.entities().list(ready, Page::first(50)).await?;
    println!("ready in bed 7: {} of {}", page.items[0].quantity, page.items[0].name);

    // Several changes happen together or not at all: commit consumes the unit of work, dropping it undoes.
    let mut work = acme.begin().await?;
    work.entities().move_to(lot.id, bed_9, lot.version).await?;
    drop(work);
    assert_eq!(acme.entities().find(lot.id).await?.and_then(|l| l.location_id), Some(bed_7));

    let mut work = acme.begin().await?;
    work.entities().move_to(lot.id, bed_9, lot.version).await?;
    work.commit().await?;

    for change in acme.entities().history(lot.id, None, 50).await? {
        println!(
            "version {}: {} {:?}",
            change.version,
            change.action,
            change.changes.0.keys().collect::<Vec<_>>()
        );
    }
    let report = acme.verify_audit().await?;
    assert!(report.breaks.is_empty());
    println!("{} changes on record, the chain holds", report.head);

    drop(acme);
    vivero.close().await;
    Ok(())
}
