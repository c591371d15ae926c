//! Databases and accounts on a server, as its administrator makes and removes them.
//!
//! A database goes before the account that works in it: cut off in between, whoever looks finds either a database with
//! its account, or neither, and an account without a database is in nobody's way.

use super::credentials::Place;
use super::hold::{Held, lock, lock_named};
use super::server::{LOCK_WAIT, Server};
use crate::backend::Sql;
use crate::backend::mariadb::{Connection, MariaDb};
use std::time::Duration;
use uuid::Uuid;
use vivero_core::ids::TenantId;
use vivero_core::{Error, Result, Value};

/// How long it may take to make or remove a database with its account.
const SCRIPT: Duration = Duration::from_secs(120);

/// A pattern that a name alone matches: `_` stands for any character otherwise, and the rights to
/// `a_1` would be rights to `ab1`.
fn pattern(name: &str) -> String {
    name.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")
}

fn busy() -> Error {
    Error::Unavailable {
        what: "database, its accounts are being changed".into(),
        retry_after: 5,
        source: None,
    }
}

/// Removes a tenant's database and account.
fn removal(place: &Place) -> String {
    format!(
        "DROP DATABASE IF EXISTS `{}`; DROP USER IF EXISTS '{}'@'%'",
        place.database, place.account
    )
}

impl Server {
    /// Runs what makes or removes databases and accounts, within bounds.
    pub(super) async fn script(&self, connection: &mut Connection, text: &str) -> Result<()> {
        let late = |_| Error::Unavailable {
            what: "database, making or removing a tenant's takes too long".into(),
            retry_after: 30,
            source: None,
        };
        tokio::time::timeout(SCRIPT, connection.script(text))
            .await
            .map_err(late)?
            .map_err(Into::into)
    }

    /// The same for what changes accounts, one after another: the server keeps all accounts in the same
    /// few tables, which it locks as a whole and without a limit in time.
    async fn accounts(&self, text: &str) -> Result<()> {
        self.accounts_on(&mut self.connect().await?, text).await
    }

    async fn accounts_on(&self, connection: &mut Connection, text: &str) -> Result<()> {
        if !lock(connection, "vivero accounts", LOCK_WAIT).await? {
            return Err(busy());
        }
        self.script(connection, text).await
    }

    /// A database, and its account: from an id alone, never from input.
    pub(super) fn name_of(&self, id: Uuid) -> String {
        format!("{}{}", self.options.prefix, id.simple())
    }

    /// Makes a tenant's database and account, as far as they are not there. The account may read and
    /// write rows of its own database, and nothing else.
    pub(super) async fn make(&self, place: &Place) -> Result<()> {
        let (name, account) = (&place.database, &place.account);
        let grants = pattern(name);
        // The password is set in any case: a former run may have got no further than making the account.
        let script = format!(
            "CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin; \
             CREATE USER IF NOT EXISTS '{account}'@'%'; {}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON `{grants}`.* TO '{account}'@'%'",
            self.alter(account, &place.password)
        );
        self.accounts(&script).await
    }

    /// Gives an account a password and the limits of the configuration. The password is of hexadecimal
    /// digits.
    fn alter(&self, account: &str, password: &str) -> String {
        let (connections, seconds) =
            (self.options.connections_per_account, self.options.statement_time.as_secs());
        format!(
            "ALTER USER '{account}'@'%' IDENTIFIED BY '{password}' \
             WITH MAX_USER_CONNECTIONS {connections} MAX_STATEMENT_TIME {seconds}"
        )
    }

    /// Gives an account that is there another password.
    pub(super) async fn set_password(&self, account: &str, password: &str) -> Result<()> {
        self.accounts(&self.alter(account, password)).await
    }

    /// Lets a tenant's account work in a database that is there, also if the account is gone.
    pub(super) async fn let_in(&self, place: &Place) -> Result<()> {
        let (account, grants) = (&place.account, pattern(&place.database));
        let script = format!(
            "CREATE USER IF NOT EXISTS '{account}'@'%'; {}; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON `{grants}`.* TO '{account}'@'%'",
            self.alter(account, &place.password)
        );
        self.accounts(&script).await
    }

    /// Removes a tenant's database and account.
    pub(super) async fn remove(&self, place: &Place) -> Result<()> {
        self.accounts(&removal(place)).await
    }

    /// The same if `still` says so while nobody else has the lock of that name.
    ///
    /// The lock is of the very connection that removes them. A process can be frozen here for longer than anything
    /// that is counted in time: as long as that connection is there others wait or are refused, and once it is gone
    /// (its server has closed it) nothing is removed any more. Of a cluster's nodes each has its own locks: there it is
    /// a lease, which whoever was frozen finds lost.
    pub(super) async fn remove_alone(
        &self,
        place: &Place,
        name: &str,
        still: impl Future<Output = Result<()>> + Send,
    ) -> Result<()> {
        let held = if self.nodes().are_many() {
            Some(self.hold_named(name, true).await?.ok_or_else(busy)?)
        } else {
            None
        };
        let mut connection = self.connect().await?;
        if held.is_none() && !lock(&mut connection, &lock_named(name), LOCK_WAIT).await? {
            return Err(busy());
        }
        still.await?;
        if held.as_ref().is_some_and(Held::is_lost) {
            return Err(busy());
        }
        self.accounts_on(&mut connection, &removal(place)).await
    }

    /// Makes an empty database of one generation anew and lets the tenant's account work in it.
    pub(super) async fn make_generation(&self, place: &Place) -> Result<()> {
        let (name, account) = (&place.database, &place.account);
        let grants = pattern(name);
        let script = format!(
            "DROP DATABASE IF EXISTS `{name}`; \
             CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON `{grants}`.* TO '{account}'@'%'"
        );
        self.accounts(&script).await
    }

    /// Removes the database of one generation, with the right to it; the account stays.
    pub(super) async fn remove_generation(&self, place: &Place) -> Result<()> {
        let (name, account) = (&place.database, &place.account);
        let grants = pattern(name);
        // Rights that are not there cannot be taken away: the server's own list says which are.
        let held = Sql::new("SELECT count(*) FROM mysql.db WHERE db = ? AND user = ?")
            .with(Value::Text(grants.clone()))
            .with(Value::Text(account.clone()))
            .number::<MariaDb>(&mut self.connect().await?)
            .await?;
        let revoke = if held == Some(0) {
            String::new()
        } else {
            // Those that were given: all rights can be taken away only by who has all of them.
            format!("; REVOKE SELECT, INSERT, UPDATE, DELETE ON `{grants}`.* FROM '{account}'@'%'")
        };
        self.accounts(&format!("DROP DATABASE IF EXISTS `{name}`{revoke}")).await
    }

    /// Whether there is a database of that name.
    pub(super) async fn is_there(&self, database: &str) -> Result<bool> {
        let sql = "SELECT count(*) FROM information_schema.schemata WHERE schema_name = ?";
        let sql = Sql::new(sql).with(Value::Text(database.into()));
        Ok(sql.number::<MariaDb>(&mut self.connect().await?).await? == Some(1))
    }

    /// Whether a tenant's database is there and has been stamped.
    pub(super) async fn is_stamped(&self, tenant: TenantId, place: &Place) -> Result<bool> {
        let mut connection = self.connect().await?;
        let there = Sql::new(
            "SELECT count(*) FROM information_schema.tables WHERE table_schema = ? AND table_name = 'stamp'",
        )
        .with(Value::Text(place.database.clone()))
        .number::<MariaDb>(&mut connection)
        .await?;
        if there != Some(1) {
            return Ok(false);
        }
        let sql = format!("SELECT count(*) FROM `{}`.stamp WHERE tenant_id = ?", place.database);
        let sql = Sql::new(sql).with(Value::Id(tenant.uuid()));
        Ok(sql.number::<MariaDb>(&mut connection).await? == Some(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_its_name_alone() {
        assert_eq!(pattern("t_1%\\"), "t\\_1\\%\\\\");
    }
}
