//! What could go wrong on a database server, and what to do about it.

mod by_address;

pub(crate) use by_address::examine_address;

use super::MariaDbOptions;
use super::server::{Server, beside, budget, is_new_enough};
use super::servers::Listed;
use crate::backend::Sql;
use crate::backend::mariadb::MariaDb;
use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::mysql::MySqlConnectOptions;
use std::collections::HashMap;
use vivero_core::Result;
use vivero_core::record::Kind;
use vivero_core::server::{ServerFinding, ServerState, Verdict};

/// Most seconds by which clocks may differ: tokens and trials go by this program's.
const SKEW: i64 = 2;
/// Tables of one open tenant, about.
const TABLES: u64 = 20;
/// What the administrator's account must be able to do, as the server names it.
const RIGHTS: [&str; 11] = [
    "SELECT",
    "INSERT",
    "UPDATE",
    "DELETE",
    "CREATE",
    "DROP",
    "ALTER",
    "INDEX",
    "TRIGGER",
    "CREATE USER",
    "REFERENCES",
];

/// The settings that are looked at.
const ASKED: &str = "SHOW GLOBAL VARIABLES WHERE variable_name IN ('version', 'max_connections', \
     'max_prepared_stmt_count', 'table_open_cache', 'table_definition_cache', 'open_files_limit', \
     'character_set_server', 'time_zone', 'system_time_zone', 'sql_mode', \
     'innodb_flush_log_at_trx_commit', 'sync_binlog', 'log_bin', 'userstat', 'read_only', \
     'innodb_read_only', 'max_allowed_packet', 'wait_timeout', 'max_user_connections', 'binlog_format', \
     'innodb_autoinc_lock_mode', 'wsrep_on', 'wsrep_provider')";
/// The longest statement that is sent is half of it; a page of large records comes back in one.
const PACKET: u64 = 16 * 1024 * 1024;
/// Seconds for which a connection is kept that nobody uses, and some more.
const IDLE: u64 = 90;
/// Fewest nodes of a cluster of which one may fail.
const NODES: u64 = 3;

/// What is found on one server.
struct Report<'r> {
    server: &'r str,
    found: Vec<ServerFinding>,
}

impl Report<'_> {
    fn say(&mut self, check: &str, verdict: Verdict, detail: String, remedy: Option<String>) {
        let (server, check) = (self.server.to_owned(), check.to_owned());
        self.found.push(ServerFinding { server, check, verdict, detail, remedy });
    }
    fn good(&mut self, check: &str, detail: impl Into<String>) {
        self.say(check, Verdict::Ok, detail.into(), None);
    }
    fn warn(&mut self, check: &str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.say(check, Verdict::Warning, detail.into(), Some(remedy.into()));
    }
    fn fail(&mut self, check: &str, detail: impl Into<String>, remedy: impl Into<String>) {
        self.say(check, Verdict::Failed, detail.into(), Some(remedy.into()));
    }
    /// A number that must not be below another.
    fn at_least(&mut self, check: &str, have: u64, need: u64, why: &str) {
        let detail = format!("{have}, {need} {why}");
        if have >= need {
            self.good(check, detail);
        } else {
            let lasting = format!(
                "SET GLOBAL {check} = {need}; and {check} = {need} in the server's [mariadb] section"
            );
            self.warn(check, detail, lasting);
        }
    }
}

/// The server's settings by name.
struct Settings(HashMap<String, String>);

impl Settings {
    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }
    fn is_on(&self, name: &str) -> bool {
        ["ON", "1"].contains(&self.text(name))
    }
}

/// Looks at one server. What keeps it from being looked at is a finding, too.
pub(super) async fn examine(
    listed: &Listed,
    options: &MariaDbOptions,
    now: DateTime<Utc>,
) -> Vec<ServerFinding> {
    let mut report = Report { server: &listed.name, found: Vec::new() };
    match listed.state {
        ServerState::Open => report.good("state", "open"),
        ServerState::Draining => report.good("state", "draining: takes no new tenants"),
        ServerState::Down => {
            report.warn(
                "state",
                "out of service: its tenants are refused, and it is not looked at",
                format!("vivero server set {} --state open", listed.name),
            );
            return report.found;
        }
    }
    let mut found = report.found;
    for (node, place) in listed.server.places() {
        let name = named(&listed.name, node.as_deref());
        let mut report = Report { server: &name, found: Vec::new() };
        let looked = look((&listed.server, &place), node.is_some(), options, now, &mut report);
        if let Err(error) = looked.await {
            report.fail(
                "connection",
                format!("{}: {error}", node.as_deref().unwrap_or(listed.address())),
                format!(
                    "check that the server runs and is reached from here, and the account {}; or take it \
                     out of service: vivero server set {} --state down",
                    listed.account(),
                    listed.name
                ),
            );
        }
        found.extend(report.found);
    }
    found
}

/// The nodes of a cluster are set up each by itself.
fn named(server: &str, node: Option<&str>) -> String {
    node.map_or_else(|| server.to_owned(), |node| format!("{server} {node}"))
}

async fn look(
    (server, place): (&Server, &MySqlConnectOptions),
    of_cluster: bool,
    options: &MariaDbOptions,
    now: DateTime<Utc>,
    report: &mut Report<'_>,
) -> Result<()> {
    let mut connection = server.connect_to(place).await?;
    report.good("connection", "answers, and accepts the account");
    let rows = Sql::new(ASKED).fetch::<MariaDb>(&mut connection, &[Kind::Text, Kind::Text]).await?;
    let settings = Settings(rows.into_iter().map(|mut row| (row.text(0), row.text(1))).collect());
    let version = settings.text("version");
    if is_new_enough(version) {
        report.good("version", version);
    } else {
        report.fail("version", version, "upgrade to MariaDB 10.6 or newer");
    }
    capacity(&settings, options, server.is_main(), report);
    safety(&settings, report);
    if of_cluster {
        let status =
            "SHOW GLOBAL STATUS WHERE variable_name IN ('wsrep_ready', 'wsrep_cluster_size')";
        let rows =
            Sql::new(status).fetch::<MariaDb>(&mut connection, &[Kind::Text, Kind::Text]).await?;
        let status = Settings(rows.into_iter().map(|mut r| (r.text(0), r.text(1))).collect());
        cluster(&settings, &status, report);
    } else {
        alone(&settings, report);
    }
    let grants = Sql::new("SHOW GRANTS").fetch::<MariaDb>(&mut connection, &[Kind::Text]).await?;
    rights(grants.into_iter().map(|mut row| row.text(0)).collect(), report);
    let said = Sql::new("SELECT date_format(utc_timestamp(6), '%Y-%m-%d %H:%i:%s.%f')")
        .first::<MariaDb>(&mut connection, &[Kind::Text])
        .await?;
    let said = said.map(|mut row| row.text(0)).unwrap_or_default();
    clock(&said, now, report);
    Ok(())
}

/// Whether there is room for what this process may ask for.
fn capacity(settings: &Settings, options: &MariaDbOptions, is_main: bool, report: &mut Report<'_>) {
    let open = options.max_open as u64;
    let all = open * u64::from(options.readers + options.writers);
    let allowed = settings.number("max_connections");
    let beside = beside(options, is_main);
    let budget = budget(options, allowed, is_main);
    let why = format!(
        "are the {budget} of tenants, {beside} of the registry and of what makes tenants and changes tables, \
         and 10 for others (with several processes, as many times the first two)"
    );
    report.at_least("max_connections", allowed, budget + beside + 10, &why);
    let why = "let every connection of the budget keep 100 statements prepared";
    let statements = all.min(budget) * 100 * 10 / 8;
    report.at_least(
        "max_prepared_stmt_count",
        settings.number("max_prepared_stmt_count"),
        statements,
        why,
    );
    let why = "hold the tables of all open tenants, for two connections each";
    report.at_least(
        "table_open_cache",
        settings.number("table_open_cache"),
        open * TABLES * 2,
        why,
    );
    let why = "hold the definitions of all open tenants' tables";
    let definitions = settings.number("table_definition_cache");
    report.at_least("table_definition_cache", definitions, open * TABLES + 400, why);
    let why =
        "bytes take the longest statements and rows; connections that are open keep what it was";
    report.at_least("max_allowed_packet", settings.number("max_allowed_packet"), PACKET, why);
    let why = "seconds outlast the pause of a connection that is kept";
    report.at_least("wait_timeout", settings.number("wait_timeout"), IDLE, why);
    // Zero is no limit.
    let one_account = match settings.number("max_user_connections") {
        0 => u64::MAX,
        limit => limit,
    };
    let need = u64::from(options.connections_per_account).max(beside);
    if one_account >= need {
        report.good("max_user_connections", "no account is kept from what it may take");
    } else {
        report.warn(
            "max_user_connections",
            format!("{one_account}, one account may take {need}"),
            format!(
                "SET GLOBAL max_user_connections = {need}; and the same in the [mariadb] section"
            ),
        );
    }
    let (have, need) = (settings.number("open_files_limit"), open * TABLES * 2 + allowed + 100);
    let detail = format!("{have}, {need} may be needed for the tables of all open tenants");
    if have >= need {
        report.good("open_files_limit", detail);
    } else {
        let remedy = format!(
            "open_files_limit = {need} in the server's [mariadb] section, and LimitNOFILE={need} in its \
             systemd unit; then restart it"
        );
        report.warn("open_files_limit", detail, remedy);
    }
}

/// Whether it is one server and not a node of a cluster, of which all have to be known: how transactions are sent and
/// how one process does something alone differ there.
fn alone(settings: &Settings, report: &mut Report<'_>) {
    let has_provider = !matches!(settings.text("wsrep_provider"), "" | "none");
    if settings.text("wsrep_on") == "ON" && has_provider {
        report.fail(
            "wsrep_on",
            "it is a node of a Galera cluster, and has one address here: changes could be lost where several nodes \
             are written to",
            "give the addresses of all nodes, HOST:PORT,HOST:PORT, those of the nodes themselves",
        );
    }
}

/// Whether it is a node of a cluster that can lose another.
fn cluster(settings: &Settings, status: &Settings, report: &mut Report<'_>) {
    match status.text("wsrep_ready") {
        "ON" => report.good("wsrep_ready", "it is part of its cluster"),
        other => report.fail(
            "wsrep_ready",
            format!("{other:?}: it is in no Galera cluster, or cut off from it; others may not hold the same"),
            "look at its error log and at the network between the nodes; give one address where there is no \
             cluster",
        ),
    }
    let size = status.number("wsrep_cluster_size");
    let detail = format!("{size}, {NODES} can lose one");
    if size >= NODES {
        report.good("wsrep_cluster_size", detail);
    } else {
        report.warn("wsrep_cluster_size", detail, "start the missing nodes, or add one");
    }
    for (check, needed) in [("binlog_format", "ROW"), ("innodb_autoinc_lock_mode", "2")] {
        let have = settings.text(check);
        if have == needed {
            report.good(check, have);
        } else {
            let remedy =
                format!("{check} = {needed} in the server's [mariadb] section, then restart it");
            report.fail(check, format!("{have}; Galera needs {needed}"), remedy);
        }
    }
}

/// Whether what is written stays, and means the same when it is read.
fn safety(settings: &Settings, report: &mut Report<'_>) {
    let charset = settings.text("character_set_server");
    if charset == "utf8mb4" {
        report.good("character_set", charset);
    } else {
        report.warn(
            "character_set",
            format!("{charset}; vivero's own databases and connections say utf8mb4 themselves"),
            "SET GLOBAL character_set_server = utf8mb4, for what others make on this server",
        );
    }
    let (zone, system) = (settings.text("time_zone"), settings.text("system_time_zone"));
    let zone = if zone == "SYSTEM" { system } else { zone };
    if ["UTC", "+00:00", "GMT", "Etc/UTC"].contains(&zone) {
        report.good("time_zone", zone);
    } else {
        report.warn(
            "time_zone",
            format!("{zone}; vivero's instants are UTC whatever it is, other programs' may not be"),
            "SET GLOBAL time_zone = '+00:00'; and default_time_zone = '+00:00' in the [mariadb] section",
        );
    }
    let mode = settings.text("sql_mode");
    if mode.contains("STRICT_") {
        report.good("sql_mode", mode);
    } else {
        report.warn(
            "sql_mode",
            format!(
                "{mode:?} is not strict; vivero's connections set their own, other programs' do not"
            ),
            "SET GLOBAL sql_mode = concat(@@global.sql_mode, ',STRICT_ALL_TABLES')",
        );
    }
    match settings.text("innodb_flush_log_at_trx_commit") {
        "1" | "3" => {
            report.good("innodb_flush_log_at_trx_commit", "what is acknowledged is on the disk")
        }
        other => report.fail(
            "innodb_flush_log_at_trx_commit",
            format!("{other}: acknowledged work of up to a second is lost when the power fails"),
            "SET GLOBAL innodb_flush_log_at_trx_commit = 1; and the same in the [mariadb] section",
        ),
    }
    let (binlog, sync) = (settings.is_on("log_bin"), settings.text("sync_binlog"));
    if !binlog || sync == "1" {
        let detail = if binlog { "1" } else { "no binary log is written" };
        report.good("sync_binlog", detail);
    } else {
        report.warn(
            "sync_binlog",
            format!("{sync}: replicas may miss acknowledged work after the power has failed"),
            "SET GLOBAL sync_binlog = 1; and the same in the [mariadb] section",
        );
    }
    if settings.is_on("read_only") || settings.is_on("innodb_read_only") {
        report.fail(
            "read_only",
            "the server takes no changes",
            "SET GLOBAL read_only = 0, if it is no replica",
        );
    } else {
        report.good("read_only", "no");
    }
    if settings.is_on("userstat") {
        report.good("userstat", "on: the server counts each tenant's work");
    } else {
        report.warn(
            "userstat",
            "off: rows, bytes and time of each tenant's account are not counted",
            "SET GLOBAL userstat = 1; and userstat = 1 in the [mariadb] section",
        );
    }
}

/// Whether the administrator's account may do everywhere what making tenants takes.
fn rights(grants: Vec<String>, report: &mut Report<'_>) {
    let everywhere: Vec<&String> = grants.iter().filter(|g| g.contains(" ON *.* TO ")).collect();
    let all = everywhere.iter().any(|g| g.starts_with("GRANT ALL PRIVILEGES"));
    let may_grant = everywhere.iter().any(|g| g.contains("WITH GRANT OPTION"));
    let named: Vec<&str> = everywhere
        .iter()
        .filter_map(|g| g.strip_prefix("GRANT ")?.split_once(" ON *.*").map(|(list, _)| list))
        .flat_map(|list| list.split(", "))
        .collect();
    let missing: Vec<&str> =
        RIGHTS.into_iter().filter(|right| !all && !named.contains(right)).collect();
    if missing.is_empty() && may_grant {
        report
            .good("rights", "the account may make databases, accounts and tables, and give rights");
        return;
    }
    let lacks = if missing.is_empty() { "GRANT OPTION".into() } else { missing.join(", ") };
    let remedy = format!(
        "GRANT {} ON *.* TO the account WITH GRANT OPTION, as the server's root",
        RIGHTS.join(", ")
    );
    report.fail("rights", format!("the account lacks, on *.*: {lacks}"), remedy);
}

fn clock(said: &str, now: DateTime<Utc>, report: &mut Report<'_>) {
    let Ok(there) = NaiveDateTime::parse_from_str(said, "%Y-%m-%d %H:%M:%S%.f") else {
        report.warn("clock", format!("the server says {said:?}"), "look at its clock");
        return;
    };
    let by = (there.and_utc() - now).num_milliseconds();
    let detail = format!("{by} ms from this machine's");
    if by.abs() <= SKEW * 1000 {
        report.good("clock", detail);
    } else {
        report.warn(
            "clock",
            detail,
            "let both machines follow one time source (chrony, systemd-timesyncd)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report<'static> {
        Report { server: "s", found: Vec::new() }
    }

    #[test]
    fn missing_rights_are_named() {
        let mut all = report();
        rights(vec!["GRANT ALL PRIVILEGES ON *.* TO `a`@`%` WITH GRANT OPTION".into()], &mut all);
        assert_eq!(all.found[0].verdict, Verdict::Ok);
        let mut some = report();
        let list = RIGHTS[..9].join(", ");
        rights(vec![format!("GRANT {list} ON *.* TO `a`@`%`")], &mut some);
        assert_eq!(some.found[0].verdict, Verdict::Failed);
        assert!(some.found[0].detail.contains("CREATE USER"), "{}", some.found[0].detail);
        let mut none = report();
        rights(vec!["GRANT ALL PRIVILEGES ON `a`.* TO `a`@`%`".into()], &mut none);
        assert!(none.found[0].detail.contains("SELECT"), "rights to one database are not enough");
    }

    #[test]
    fn a_clock_that_is_off_is_found() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).expect("an instant");
        for (seconds, verdict) in [(0, Verdict::Ok), (-1, Verdict::Ok), (5, Verdict::Warning)] {
            let there = now + chrono::TimeDelta::seconds(seconds);
            let mut report = report();
            clock(&there.format("%Y-%m-%d %H:%M:%S%.6f").to_string(), now, &mut report);
            assert_eq!(report.found[0].verdict, verdict, "{seconds}");
        }
    }

    fn settings(all: &[(&str, &str)]) -> Settings {
        Settings(all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn a_cluster_behind_one_address_is_found() {
        let (on, provider) = (("wsrep_on", "ON"), ("wsrep_provider", "/usr/lib/libgalera_smm.so"));
        let cases: [(&[_], _); 4] = [
            (&[], 0),
            (&[provider], 0),
            (&[on, ("wsrep_provider", "none")], 0),
            (&[on, provider], 1),
        ];
        for (have, found) in cases {
            let mut report = report();
            alone(&settings(have), &mut report);
            let failed = report.found.iter().filter(|f| f.verdict == Verdict::Failed).count();
            assert_eq!((failed, report.found.len()), (found, found), "{have:?}");
        }
    }

    #[test]
    fn a_node_that_is_none_of_a_cluster_is_found() {
        let good = settings(&[("binlog_format", "ROW"), ("innodb_autoinc_lock_mode", "2")]);
        let whole = settings(&[("wsrep_ready", "ON"), ("wsrep_cluster_size", "3")]);
        let mut fine = report();
        cluster(&good, &whole, &mut fine);
        assert!(fine.found.iter().all(|f| f.verdict == Verdict::Ok), "{:?}", fine.found);
        let mut bad = report();
        cluster(&settings(&[("binlog_format", "MIXED")]), &settings(&[]), &mut bad);
        assert!(bad.found.iter().all(|f| f.verdict != Verdict::Ok && f.remedy.is_some()));
    }

    #[test]
    fn what_is_too_low_is_said_with_what_it_should_be() {
        let settings = Settings(
            [("max_connections", "151"), ("max_prepared_stmt_count", "16382")]
                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                .into(),
        );
        let mut report = report();
        let options = MariaDbOptions { max_connections: Some(200), ..MariaDbOptions::default() };
        capacity(&settings, &options, true, &mut report);
        let of = |check| report.found.iter().find(|f| f.check == check).expect("looked at");
        let remedy = |check| of(check).remedy.clone().expect("a remedy");
        assert!(remedy("max_connections").contains("SET GLOBAL max_connections = 232"));
        assert!(remedy("max_prepared_stmt_count").contains("= 25000"));
        assert!(remedy("open_files_limit").contains("LimitNOFILE="));
    }
}
