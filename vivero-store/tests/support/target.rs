//! A database server of a test's own that takes no more: it is made read-only, or filled up to its limit.

use crate::tenants::ground_on::mariadb as support;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use vivero_core::server::NewServer;

/// What the server calls a table that may not grow.
const TABLE_FULL: u16 = 1114;

#[derive(Debug)]
pub(crate) struct Target {
    address: String,
    root: MySqlConnection,
}

impl Target {
    pub(crate) async fn start() -> Self {
        // All tables in one file that may not grow for ever; beside it what it takes to remove them again. Of a file
        // of this size the server keeps more for that than empty tables take.
        let address = support::start(&[
            "--innodb-file-per-table=0".into(),
            "--innodb-data-file-path=ibdata1:12M:autoextend:max:256M".into(),
            "--innodb-undo-tablespaces=2".into(),
        ]);
        let options = MySqlConnectOptions::from_str(&address).expect("an address");
        let root = options.connect().await.expect("the administrator");
        let mut target = Self { address, root };
        let made = target
            .run(
                "CREATE USER admin IDENTIFIED BY 'secret'; GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, \
                 ALTER, INDEX, TRIGGER, CREATE USER, REFERENCES, RELOAD ON *.* TO admin WITH GRANT OPTION",
            )
            .await;
        assert_eq!(made, Ok(()), "an account");
        target
    }

    /// As an installation lists it, with an account that has the rights that are needed and no more.
    pub(crate) fn listed(&self) -> NewServer {
        NewServer { account: "admin".into(), password: "secret".into(), ..self.listed_with_root() }
    }

    /// The same with an account that may do anything, also what a read-only server keeps others from.
    pub(crate) fn listed_with_root(&self) -> NewServer {
        crate::listed::listed("second", &self.address)
    }

    async fn run(&mut self, sql: &str) -> Result<(), u16> {
        match sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.root).await {
            Ok(_) => Ok(()),
            Err(sqlx::Error::Database(e)) => Err(e
                .try_downcast_ref::<MySqlDatabaseError>()
                .map_or(0, MySqlDatabaseError::number)),
            Err(other) => panic!("{sql}: {other}"),
        }
    }

    pub(crate) async fn read_only(&mut self, is: bool) {
        let set = self.run(&format!("SET GLOBAL read_only = {}", u8::from(is))).await;
        assert_eq!(set, Ok(()), "set");
    }

    /// Leaves no room for another row of 7 KB.
    pub(crate) async fn fill(&mut self) {
        let table = "CREATE TABLE filler.t (b VARBINARY(7500)) ENGINE=InnoDB";
        let made = self.run(&format!("CREATE DATABASE filler; {table}")).await;
        assert_eq!(made, Ok(()), "made");
        let mut refused = Ok(());
        for rows in [200, 10, 1] {
            for _ in 0..400 {
                let sql = format!(
                    "INSERT INTO filler.t SELECT repeat('x', 7000) FROM filler.seq_1_to_{rows}"
                );
                refused = self.run(&sql).await;
                if refused.is_err() {
                    break;
                }
            }
        }
        assert_eq!(refused, Err(TABLE_FULL), "it is full");
    }

    /// Gives room again, which the server makes use of by and by.
    pub(crate) async fn make_room(&mut self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while let Err(refused) = self.run("DROP DATABASE IF EXISTS filler").await {
            assert_eq!(refused, TABLE_FULL, "room");
            assert!(Instant::now() < deadline, "what was removed before makes room for that");
        }
    }

    /// Databases and accounts of an installation.
    pub(crate) async fn holds(&mut self, prefix: &str) -> (i64, i64) {
        let sql = "SELECT (SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE ?), \
                   (SELECT count(*) FROM mysql.user WHERE user LIKE ?)";
        let like = format!("{prefix}%");
        let found = sqlx::query_as(sql).bind(&like).bind(&like).fetch_one(&mut self.root).await;
        found.expect("two numbers")
    }
}
