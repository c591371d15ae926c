//! A program that calls a vivero server through the typed client.
//!
//! `cargo run --example client` starts a server of its own to call. To call yours, say where it is and
//! who you are: `VIVERO_URL`, `VIVERO_TENANT`, `VIVERO_EMAIL` and `VIVERO_PASSWORD`.

use futures_util::TryStreamExt as _;
use std::env::var;
use vivero_client::{
    Client, EntityIn, EntityPatch, EntityType, Status, TenantClient, TransitionIn, TrialIn,
};
use vivero_core::Vivero;
use vivero_server::{ServerOptions, Tcp, serve};
use vivero_store::Open as _;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Ok(url) = var("VIVERO_URL") else {
        // Nobody named a server: one with a port and a folder of its own, for as long as this runs.
        let folder = tempfile::tempdir()?;
        let vivero = Vivero::open(&format!("sqlite:{}", folder.path().display())).await?;
        let tcp = Tcp::bind("127.0.0.1:0").await?;
        let client = Client::new(&format!("http://{}", tcp.address()))?;
        let server = tokio::spawn(serve(
            vivero.clone(),
            ServerOptions::default(),
            tcp,
            std::future::pending(),
        ));
        // Signing up makes a tenant and signs its first person in.
        let trial = TrialIn::new("Acme Plants", "grower@example.com", "correct horse battery");
        let trial = client.trials().create(trial).await?;
        work(client.tenant(&trial.tenant.slug).with_tokens(trial.tokens)?).await?;
        server.abort();
        vivero.close().await;
        return Ok(());
    };
    let entrance = Client::new(&url)?.tenant(&var("VIVERO_TENANT")?);
    work(entrance.sign_in(var("VIVERO_EMAIL")?, var("VIVERO_PASSWORD")?).await?).await
}

/// What a grower's own system might do with a lot.
async fn work(acme: TenantClient) -> Result<(), Box<dyn std::error::Error>> {
    let me = acme.me().await?;
    println!("signed in to {} as {}", acme.slug(), me.role_names.join(", "));

    // Events from here on; the stream survives broken connections, and loses and repeats nothing.
    let before = acme.dashboard().await?.position;

    // A write is done once, however often it has to be sent. The session's id makes the code our own.
    let code = format!("LAV-{}", me.session_id);
    let new = EntityIn::new(&code, "Lavandula angustifolia 'Hidcote'", EntityType::YoungPlant, 480);
    let lot = acme.entities().create(new).await?;
    let lot = acme.entities().transition(lot.id, TransitionIn::to(Status::Processing)).await?;

    // An edit says which version it starts from: different fields merge, the same field is a conflict.
    let name = |name: &str| EntityPatch { name: Some(name.into()), ..EntityPatch::default() };
    acme.entities().update(lot.id, lot.version, name("Lavandula 'Hidcote'")).await?;
    let late = acme.entities().update(lot.id, lot.version, name("Lavandula 'Munstead'")).await;
    let refused = late.err().ok_or("the second edit should have been refused")?;
    for field in refused.conflict().ok_or("the second edit should have been a conflict")?.fields {
        println!("conflict in {}: theirs {}, mine {}", field.field, field.theirs, field.mine);
    }

    // All pages of a list as one stream.
    let mut found = acme.entities().list().q(&code).limit(50).stream();
    while let Some(lot) = found.try_next().await? {
        println!("found {} pieces of {}, {}", lot.quantity, lot.name, lot.status);
    }

    let mut events = acme.events().after(before).open();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let Some(event) = events.try_next().await? else { break };
        if event.record_id == lot.id {
            seen.push(event.action);
        }
    }
    println!("seen live: {}", seen.join(", "));
    acme.sign_out().await?;
    println!("signed out");
    Ok(())
}
