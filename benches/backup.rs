//! A tenant into an archive and back: megabytes a second, of rows and of the database they are in.
//!
//! `cargo bench -p vivero-workspace --features nodes --bench backup -- --lots 200000`; on MariaDB with
//! `--database-url mysql://ADMINISTRATOR@HOST:PORT/REGISTRY`. With `--key BASE64` archives are encrypted on
//! SQLite as well.

use clap::Parser;
use serde_json::json;
use std::time::Instant;
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::operations::{NewOperation, Operation, OperationKind as Kind, OperationState};
use vivero_core::{NewTenant, Owner, Password, Slug, Vivero};
use vivero_store::archive::{ArchiveKey, verify};
use vivero_store::{KeyText, Open as _};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const SECRET: &str = "a long enough secret";
/// The key when none is given; it protects nothing here.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[derive(Debug, Clone, Parser)]
#[command(about = "Backs a tenant up and restores it")]
struct Options {
    /// Lots of the tenant.
    #[arg(long, default_value_t = 200_000)]
    lots: usize,
    /// Database; SQLite in a folder of its own when nothing is said.
    #[arg(long)]
    database_url: Option<String>,
    /// Key of the installation, 32 bytes in base64; archives are encrypted.
    #[arg(long)]
    key: Option<String>,
    /// Times each is done.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Also restore and move.
    #[arg(long)]
    restore: bool,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let url = options.database_url.clone().unwrap_or_else(|| format!("sqlite:{}", data.display()));
    let mut builder =
        Vivero::builder().weak_passwords_for_tests().archives(folder.path().join("archives"));
    if options.key.is_some() || options.database_url.is_some() {
        builder = builder.key(KeyText(options.key.clone().unwrap_or_else(|| KEY.into())));
    }
    let vivero = builder.open(&url).await?;
    let slug = format!("backup-{}", std::process::id());
    let new = NewTenant::trial(&slug, Owner::new("grower@example.com", SECRET));
    vivero.tenants().provision(new).await?;
    fill(&vivero, &slug, options.lots).await?;
    let name: Slug = slug.parse()?;
    let (_, usage) = vivero.tenants().usage(&name).await?;
    let database = usage.storage_bytes;
    let key = options.key.clone().or_else(|| options.database_url.as_ref().map(|_| KEY.into()));
    let key = key.map(|key| ArchiveKey::new(&KeyText(key))).transpose()?;
    for run in 1..=options.runs {
        let file = json!({"archive": format!("{run}.vivero")});
        let began = Instant::now();
        let made = done(&vivero, Kind::Backup, &slug, file).await?;
        tell("backup, proven", &made, began.elapsed().as_secs_f64(), database);
        let write = made.result["write_seconds"].as_f64().unwrap_or_default();
        tell("  of it writing", &made, write, database);
        let path = folder.path().join("archives").join(format!("{run}.vivero"));
        let began = Instant::now();
        verify(&path, key.as_ref(), |_, _| {}).await?;
        tell("restore --verify", &made, began.elapsed().as_secs_f64(), database);
        let began = Instant::now();
        let export = json!({"archive": format!("{run}-export.vivero")});
        let made = done(&vivero, Kind::Export, &slug, export).await?;
        tell("export, proven", &made, began.elapsed().as_secs_f64(), database);
    }
    if options.restore {
        let again = json!({"archive": "1.vivero", "replace": true});
        let began = Instant::now();
        let restored = done(&vivero, Kind::Restore, &slug, again).await?;
        tell("restore, proven first", &restored, began.elapsed().as_secs_f64(), database);
    }
    if options.restore {
        let began = Instant::now();
        let moved = done(&vivero, Kind::Move, &slug, json!({})).await?;
        println!(
            "move: {:.2} s, writes stopped for {} ms",
            began.elapsed().as_secs_f64(),
            moved.result["writes_stopped_ms"]
        );
    }
    // What it made is taken away again, on a server too.
    let sure = json!({"confirm": slug, "grace_days": 0});
    done(&vivero, Kind::Delete, &slug, sure).await?;
    done(&vivero, Kind::Purge, &slug, json!({"confirm": slug})).await?;
    vivero.close().await;
    Ok(())
}

async fn fill(vivero: &Vivero, slug: &str, lots: usize) -> Result<(), Failure> {
    let session = vivero.sign_in(slug, Password::new("grower@example.com", SECRET)).await?;
    let began = Instant::now();
    for from in (0..lots).step_by(5_000) {
        let mut work = session.begin().await?;
        for i in from..lots.min(from + 5_000) {
            let name = format!("Lavandula angustifolia 'Hidcote' {i}");
            let mut new = NewEntity::new(format!("LAV-{i:07}"), name, EntityType::Cutting, 4_000);
            new.attributes = json!({"pot": "9 cm", "supplier_lot": format!("S{i:08}"), "passport": "DE-NI-100245"});
            work.entities().create(new).await?;
        }
        work.commit().await?;
    }
    println!("{lots} lots made in {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

async fn done(
    vivero: &Vivero,
    kind: Kind,
    slug: &str,
    parameters: serde_json::Value,
) -> Result<Operation, Failure> {
    let new = NewOperation { kind, slug: slug.parse()?, parameters, key: None };
    let asked = vivero.operations().ask(new).await?;
    let done = vivero.operations().run(asked.id).await?;
    if done.state == OperationState::Done {
        Ok(done)
    } else {
        Err(done.message.unwrap_or_default().into())
    }
}

fn tell(what: &str, made: &Operation, seconds: f64, database: Option<u64>) {
    let mib = |bytes: f64| bytes / 1_000_000.0;
    let rows = made.result["bytes"].as_f64().unwrap_or_default();
    let file = made.result["file_bytes"].as_f64().unwrap_or_default();
    print!(
        "{what}: {seconds:.2} s, {:.0} MB of rows at {:.0} MB/s, archive {:.0} MB",
        mib(rows),
        mib(rows) / seconds,
        mib(file)
    );
    match database {
        #[expect(clippy::cast_precision_loss, reason = "a figure to read")]
        Some(bytes) => println!(
            ", database {:.0} MB at {:.0} MB/s",
            mib(bytes as f64),
            mib(bytes as f64) / seconds
        ),
        None => println!(),
    }
}
