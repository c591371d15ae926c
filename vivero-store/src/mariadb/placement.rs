//! Which server a new tenant's database is made on.
//!
//! Of the open servers that have room it is the one that is least filled relative to its weight. That
//! needs the number of tenants on each, which the registry has anyway, and in exchange shares follow the
//! weights to within one tenant, capacities hold exactly (the choice is made in the transaction that notes
//! it), and a server that was added catches up by itself. Choosing at random by weight would need no
//! counts, but keeps to neither; hashing tenants onto servers would move nothing either, since a tenant's
//! place is on record and stays until it is moved.

use super::MariaDbFleet;
use super::credentials::{Place, Prepared};
use super::kept::{in_the_way, kept_of};
use crate::backend::mariadb::{Connection, MariaDb, Writing};
use crate::backend::{Backend as _, Sql};
use std::cmp::Ordering;
use vivero_core::ids::TenantId;
use vivero_core::record::Kind;
use vivero_core::server::ServerState;
use vivero_core::{Error, Result, Value};

/// A server as far as the choice is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) state: ServerState,
    pub(super) weight: u32,
    pub(super) capacity: Option<u64>,
    /// Tenants there now.
    pub(super) tenants: u64,
    /// Prepared databases there now.
    pub(super) standby: u64,
    /// What is left there of databases that could not be removed.
    pub(super) leftovers: u64,
}

impl Room {
    fn takes(&self, standby: bool) -> bool {
        let there = self.tenants + if standby { self.standby } else { 0 };
        self.state == ServerState::Open && self.capacity.is_none_or(|most| there < most)
    }

    /// Less is filled less: `(a + 1) / weight`, compared without dividing.
    fn less_filled(&self, other: &Self, standby: bool) -> Ordering {
        let filled =
            |room: &Self| u128::from(room.tenants + if standby { room.standby } else { 0 } + 1);
        let (a, b) =
            (filled(self) * u128::from(other.weight), filled(other) * u128::from(self.weight));
        a.cmp(&b).then_with(|| self.name.cmp(&other.name))
    }
}

/// The servers that take another tenant (or, with `standby`, another prepared database), best first.
pub(super) fn order(rooms: &[Room], standby: bool) -> Vec<&Room> {
    let mut open: Vec<&Room> = rooms.iter().filter(|room| room.takes(standby)).collect();
    open.sort_by(|a, b| a.less_filled(b, standby));
    open
}

/// Why no server takes a tenant, and what to do.
pub(super) fn full(rooms: &[Room]) -> Error {
    let open = rooms.iter().filter(|r| r.state == ServerState::Open).count();
    let what = if open == 0 {
        "room for another tenant: no database server is open; open one \
         (`vivero server set NAME --state open`) or add one (`vivero server add`)"
    } else {
        "room for another tenant: every open database server has as many as it may; raise a capacity \
         (`vivero server set NAME --capacity N`) or add a server (`vivero server add`)"
    };
    Error::Unavailable { what: what.into(), retry_after: 60, source: None }
}

/// Every server with what is on it, as the connection sees it.
pub(super) async fn rooms(connection: &mut Connection) -> Result<Vec<Room>> {
    let count =
        |table: &str| format!("(SELECT server, count(*) AS n FROM {table} GROUP BY server)");
    // A tenant that is being moved takes up room on both servers.
    let both =
        "(SELECT server FROM tenant_databases UNION ALL SELECT server FROM tenant_generations) p";
    let (tenants, standby) = (count(both), count("standby_databases"));
    let sql = Sql::new(format!(
        "SELECT s.name, s.state, s.weight, s.capacity, coalesce(t.n, 0), coalesce(b.n, 0), \
         (SELECT count(*) FROM leftovers l WHERE l.server = s.name) \
         FROM database_servers s LEFT JOIN {tenants} t ON t.server = s.name \
         LEFT JOIN {standby} b ON b.server = s.name ORDER BY s.name"
    ));
    let kinds = [Kind::Text, Kind::Text, Kind::Int, Kind::Int, Kind::Int, Kind::Int, Kind::Int];
    let rows = sql.fetch::<MariaDb>(connection, &kinds).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Room {
                name: row.text(0),
                state: row.text(1).parse().map_err(|_| Error::corrupt("database_servers.state"))?,
                weight: u32::try_from(row.int(2)).unwrap_or(1).max(1),
                capacity: match row.take(3) {
                    Value::Int(most) => Some(u64::try_from(most).unwrap_or(0)),
                    _ => None,
                },
                tenants: row.natural(4),
                standby: row.natural(5),
                leftovers: row.natural(6),
            })
        })
        .collect()
}

impl MariaDbFleet {
    /// Where a tenant's database is or will be: as noted, or a prepared one that is claimed, or a new
    /// place on a server that has room. It is on record before anything is made.
    pub(super) async fn place(&self, tenant: TenantId) -> Result<(Place, Prepared)> {
        if let Some(place) = self.credentials.find(self.registry(), tenant).await? {
            return Ok((place, Prepared::No));
        }
        let mut transaction = self.registry().begin().await?;
        // Not where a database of it is kept.
        let kept = kept_of(&mut transaction, tenant).await?;
        let placed = self.place_in(&mut transaction, tenant, &kept).await?;
        MariaDb::commit(transaction, ()).await?;
        Ok(placed)
    }

    /// The same for a tenant that has none yet, in the caller's transaction, and on none of the servers that keep a
    /// database of it.
    pub(super) async fn place_in(
        &self,
        transaction: &mut Writing,
        tenant: TenantId,
        kept: &[(String, String)],
    ) -> Result<(Place, Prepared)> {
        let rooms = rooms(&mut *transaction).await?;
        let mut open = order(&rooms, false);
        open.retain(|room| kept.iter().all(|(server, _)| *server != room.name));
        let best = open.first().ok_or_else(|| match kept.first() {
            Some((server, database)) => in_the_way(server, database),
            None => full(&rooms),
        })?;
        let fingerprint = self.fingerprint();
        let claimed =
            self.credentials.claim(&mut *transaction, tenant, &open, &fingerprint).await?;
        let (place, prepared) = match claimed {
            Some(place) => (place, Prepared::Yes),
            None => {
                let name = self.servers.main().name_of(tenant.uuid());
                let place = Place::fresh(&best.name, name);
                (place, Prepared::No)
            }
        };
        self.credentials.note(&mut *transaction, tenant, &place).await?;
        Ok((place, prepared))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(name: &str, weight: u32, capacity: Option<u64>) -> Room {
        let name = name.into();
        Room {
            name,
            state: ServerState::Open,
            weight,
            capacity,
            tenants: 0,
            standby: 0,
            leftovers: 0,
        }
    }

    fn fill(rooms: &mut [Room], number: usize) -> usize {
        for placed in 0..number {
            let Some(name) = order(rooms, false).first().map(|r| r.name.clone()) else {
                return placed;
            };
            rooms.iter_mut().find(|r| r.name == name).expect("a room").tenants += 1;
        }
        number
    }

    #[test]
    fn shares_follow_weights_and_capacities_hold() {
        let mut rooms = [room("a", 1, None), room("b", 3, None), room("c", 2, Some(10))];
        assert_eq!(fill(&mut rooms, 100), 100);
        assert_eq!(rooms[2].tenants, 10, "its capacity");
        let (a, b) = (rooms[0].tenants, rooms[1].tenants);
        assert_eq!(a + b, 90);
        assert!(b.abs_diff(3 * a) <= 3, "one to three: {a} and {b}");
    }

    #[test]
    fn a_server_that_was_added_catches_up() {
        let mut rooms = [room("a", 1, None), room("b", 1, None)];
        rooms[0].tenants = 50;
        fill(&mut rooms, 60);
        assert_eq!((rooms[0].tenants, rooms[1].tenants), (55, 55));
    }

    #[test]
    fn only_an_open_server_with_room_takes_tenants() {
        let mut rooms = [room("a", 1, Some(2)), room("b", 1, None), room("c", 1, None)];
        rooms[1].state = ServerState::Draining;
        rooms[2].state = ServerState::Down;
        assert_eq!(fill(&mut rooms, 5), 2);
        assert!(full(&rooms).to_string().contains("--capacity"));
        rooms[0].state = ServerState::Draining;
        assert!(full(&rooms).to_string().contains("--state open"));
        rooms[0].state = ServerState::Open;
        rooms[0].tenants = 1;
        rooms[0].standby = 1;
        assert!(
            order(&rooms, true).is_empty(),
            "a prepared database takes up room for another one"
        );
        assert_eq!(order(&rooms, false).len(), 1, "but not for the tenant it is there for");
    }
}
