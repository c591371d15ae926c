//! The operations, one file per resource. A handler takes a door (see [`crate::access`]), then what
//! it reads of the request; the rules are the core's.

mod audit;
mod auth;
mod dashboard;
mod drains;
mod entities;
mod events;
mod files;
mod health;
mod locations;
mod me;
mod migrations;
mod operations;
mod platform;
mod roles;
mod servers;
mod trials;
mod users;

use poem_openapi::Tags;

/// All operations.
pub(crate) type Api = (
    trials::Trials,
    auth::Auth,
    me::Me,
    entities::Entities,
    locations::Locations,
    files::Files,
    users::Users,
    roles::Roles,
    dashboard::Dashboard,
    events::Events,
    audit::Audit,
    platform::Platform,
    operations::Operations,
    // A tuple of them has sixteen at most.
    (servers::Servers, drains::Drains),
    migrations::Migrations,
    health::Health,
);

/// One of each.
pub(crate) const fn api() -> Api {
    (
        trials::Trials,
        auth::Auth,
        me::Me,
        entities::Entities,
        locations::Locations,
        files::Files,
        users::Users,
        roles::Roles,
        dashboard::Dashboard,
        events::Events,
        audit::Audit,
        platform::Platform,
        operations::Operations,
        (servers::Servers, drains::Drains),
        migrations::Migrations,
        health::Health,
    )
}

/// Topics of the document.
#[derive(Tags)]
pub(crate) enum Topic {
    /// Signing up.
    Trials,
    /// Signing in, staying signed in, signing out.
    Auth,
    /// The signed-in person.
    Me,
    /// Tracked lots of living stock.
    Entities,
    /// Places where stock stands.
    Locations,
    /// Files: what is known of them, and their content.
    Files,
    /// People.
    Users,
    /// Named sets of grants.
    Roles,
    /// Figures of the start page.
    Dashboard,
    /// Changes as they happen.
    Events,
    /// The audit trail and its proof.
    Audit,
    /// For operators of the installation.
    Platform,
    /// For whoever watches over the server.
    Health,
}
