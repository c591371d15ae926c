//! An integrator's own table with all of vivero's powers: filters, sorts, search, scopes, history.
//!
//! `cargo run --example custom_record`

use futures_util::TryStreamExt as _;
use vivero_core::location::{LocationKind, NewLocation};
use vivero_core::{
    Error, Filter, LocationId, NewTenant, Owner, Page, Password, Record, RecordId, Vivero,
};
use vivero_store::Open as _;

/// Water given to a bed.
#[derive(Debug, Clone, PartialEq, Record)]
#[record(table = "irrigation_runs", resource = "irrigation", location = "bed")]
struct IrrigationRun {
    id: RecordId<Self>,
    #[record(filter, sort)]
    bed: LocationId,
    #[record(sort, sum)]
    litres: i64,
    #[record(search, personal)]
    operator: String,
    #[record(search, max = 500)]
    note: Option<String>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().display());
    // Every tenant, old or new, gets the table when it is next opened.
    let vivero = Vivero::builder().record::<IrrigationRun>().open(&url).await?;
    let (email, secret) = ("grower@example.com", "correct horse battery");
    vivero.tenants().provision(NewTenant::trial("acme-plants", Owner::new(email, secret))).await?;
    let acme = vivero.sign_in("acme-plants", Password::new(email, secret)).await?;

    let site =
        acme.locations().create(NewLocation::new(LocationKind::Site, "N", "North", None)).await?.id;
    let bed = acme
        .locations()
        .create(NewLocation::new(LocationKind::Bed, "N-B01", "Bed 1", Some(site)))
        .await?
        .id;

    let runs = acme.repository::<IrrigationRun>();
    for (litres, note) in [(120, None), (80, Some("after rain")), (200, Some("heat"))] {
        let operator = "Operator on duty".to_owned();
        let note = note.map(str::to_owned);
        runs.create(IrrigationRun { id: RecordId::unset(), bed, litres, operator, note }).await?;
    }

    let most = runs
        .list(Filter::new().equals("bed", bed).sort("-litres"), Page::first(2).with_total())
        .await?;
    println!("most water: {} l of {} runs", most.items[0].litres, most.total.unwrap_or(0));
    let rain = runs.list(Filter::new().search("rain"), Page::first(10)).await?;
    println!("found by its note: {} l", rain.items[0].litres);

    // Two people edit the same run: different fields merge, the same field is a conflict.
    let run = &rain.items[0];
    let id = run.id;
    runs.update(id, run.version, |r| r.litres = 85).await?;
    let merged = runs.update(id, run.version, |r| r.note = Some("after light rain".into())).await?;
    println!("merged: {} l, {:?}", merged.litres, merged.note);
    match runs.update(id, run.version, |r| r.litres = 90).await {
        Err(Error::Conflict { fields, .. }) => {
            println!(
                "conflict in {}: base {}, theirs {}, mine {}",
                fields[0].field, fields[0].base, fields[0].theirs, fields[0].mine
            );
        }
        other => return Err(format!("expected a conflict, got {other:?}").into()),
    }

    runs.soft_delete(id, None).await?;
    assert!(runs.find_by_id(id).await?.is_none());
    runs.recover_by_id(id).await?;
    let all: Vec<_> = runs.find_all(Filter::new()).try_collect().await?;
    println!(
        "{} runs, the last one has {} changes on record",
        all.len(),
        runs.history(id, None, 50).await?.len()
    );

    drop(acme);
    vivero.close().await;
    Ok(())
}
