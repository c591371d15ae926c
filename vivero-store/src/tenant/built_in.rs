//! Built-in roles of tenants that were made by an older version: they get what the same roles of a new
//! tenant may do.
//!
//! Nothing is taken away, and only what vivero itself wrote last is touched. Each change is on record like
//! any other: a version, and an entry of the journal in the same transaction.

use super::journal;
use crate::backend::{Backend, Sql};
use chrono::{DateTime, Utc};
use uuid::Uuid;
use vivero_core::ids::SYSTEM_ACTOR;
use vivero_core::journal::{Actor, Changes, Entry};
use vivero_core::permission::Grant;
use vivero_core::record::{Field as _, Kind, Record as _};
use vivero_core::user::{BUILT_IN_ROLES, List, Role};
use vivero_core::{Error, Result, Value};

/// A role that may do less than it is declared to.
struct Lacking {
    id: Uuid,
    version: i64,
    has: List<Grant>,
    gets: List<Grant>,
}

/// What a role has after it got what it lacks; nothing if it lacks nothing.
fn completed(has: &[Grant], declared: &[Grant]) -> Option<Vec<Grant>> {
    let lacks = declared.iter().filter(|grant| !has.contains(grant));
    let all: Vec<Grant> = has.iter().chain(lacks).cloned().collect();
    (all.len() > has.len()).then_some(all)
}

async fn lacking<B: Backend>(connection: &mut B::Connection) -> Result<Vec<Lacking>> {
    let sql = format!(
        "SELECT id, version, name, grants FROM {} WHERE built_in = ? AND updated_by = ? AND deleted_at IS NULL",
        Role::SCHEMA.table
    );
    let rows = Sql::new(sql)
        .with(Value::Bool(true))
        .with(Value::Id(SYSTEM_ACTOR))
        .fetch::<B>(connection, &[Kind::Id, Kind::Int, Kind::Text, Kind::Json])
        .await?;
    let mut all = Vec::new();
    for mut row in rows {
        let (id, version, name) = (row.id(0), row.int(1), row.text(2));
        let has = List::<Grant>::from_value(row.take(3))
            .ok_or_else(|| Error::corrupt(format!("the grants of role {name}")))?;
        let declared = BUILT_IN_ROLES.iter().find(|role| role.name == name);
        if let Some(gets) = declared.and_then(|role| completed(&has.0, role.grants)) {
            all.push(Lacking { id, version, has, gets: List(gets) });
        }
    }
    Ok(all)
}

/// Whether a built-in role may do less than it is declared to.
pub(crate) async fn is_lacking<B: Backend>(connection: &mut B::Connection) -> Result<bool> {
    Ok(!lacking::<B>(connection).await?.is_empty())
}

/// Gives built-in roles what they lack, inside the caller's write transaction.
pub(crate) async fn bring_up<B: Backend>(
    connection: &mut B::Connection,
    at: DateTime<Utc>,
) -> Result<()> {
    let mut entries = Vec::new();
    for role in lacking::<B>(connection).await? {
        let (before, after) = (role.has.into_value(), role.gets.into_value());
        let change = ("grants".to_owned(), (before.to_json(), after.to_json()));
        let sql = format!(
            "UPDATE {} SET grants = ?, version = ?, updated_at = ?, updated_by = ? WHERE id = ?",
            Role::SCHEMA.table
        );
        Sql::new(sql)
            .with(after)
            .with(Value::Int(role.version + 1))
            .with(Value::Time(at))
            .with(Value::Id(SYSTEM_ACTOR))
            .with(Value::Id(role.id))
            .execute::<B>(connection)
            .await?;
        entries.push(Entry {
            at,
            actor: Actor::System { reason: "migration".into() },
            action: format!("{}.update", Role::SCHEMA.resource),
            resource: Role::SCHEMA.resource.into(),
            record_id: role.id,
            version: role.version + 1,
            changes: Changes([change].into()),
            cause: None,
        });
    }
    journal::append::<B>(connection, entries).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lacking_is_added_and_nothing_is_taken_away() {
        let grant = |text: &str| text.parse::<Grant>().expect("a grant");
        let has = [grant("entity.read@own"), grant("old.read")];
        let declared = [grant("entity.read"), grant("old.read")];
        let got = completed(&has, &declared).expect("something was lacking");
        assert_eq!(got, [has[0].clone(), has[1].clone(), grant("entity.read")]);
        assert_eq!(completed(&got, &declared), None);
    }
}
