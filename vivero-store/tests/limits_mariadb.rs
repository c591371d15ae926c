//! What the server itself limits a tenant's account to, how long a statement runs and how many connections there are:
//! what whoever meets a limit is told, and that all goes on afterwards.
#![cfg(feature = "mariadb")]

#[path = "support/ground.rs"]
mod ground;
#[path = "support/mariadb.rs"]
mod support;

use ground::{ground, number, run};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use vivero_core::entity::{EntityType, NewEntity};
use vivero_core::{EntityFilter, Error, NewTenant, Owner, Page, Password, TenantSession, Vivero};
use vivero_store::{MariaDbOptions, Open as _};

/// Seconds for which what takes too long would run, and by when it must have ended.
const SLOW: u64 = 240;
const SOON: Duration = Duration::from_secs(120);

fn lot(code: &str) -> NewEntity {
    NewEntity::new(code, "Hebe", EntityType::Cutting, 100)
}

fn grower() -> Password {
    Password::new("grower@example.com", "correct horse battery")
}

/// The installation in what is as good as another process, with those limits.
async fn reopen(n: usize, options: MariaDbOptions) -> Vivero {
    let vivero = Vivero::builder().mariadb(options).weak_passwords_for_tests();
    vivero.open(&support::registry(n)).await.expect("opening")
}

/// A tenant whose account had other limits when it was made, and has these with its next password.
async fn limited(n: usize, options: MariaDbOptions) -> (Vivero, TenantSession, MySqlConnection) {
    let (vivero, session, mut root) = ground(n).await;
    let slug = session.tenant().slug.clone();
    drop(session);
    vivero.close().await;
    let account = account(&mut root).await;
    gone(&mut root, &account).await;
    let vivero = reopen(n, options).await;
    vivero.rotate_credentials(&slug).await.expect("another password");
    let session = vivero.sign_in("acme-plants", grower()).await.expect("signing in");
    (vivero, session, root)
}

/// The tenant's account, which is called as its database is.
async fn account(root: &mut MySqlConnection) -> String {
    sqlx::raw_sql("SELECT database()").fetch_one(root).await.expect("the database").get(0)
}

async fn connections(root: &mut MySqlConnection, account: &str, that: &str) -> i64 {
    let count = format!(
        "SELECT count(*) FROM information_schema.processlist WHERE user = '{account}' AND {that}"
    );
    number(root, &count).await
}

/// The seconds after which the caller is to come again, and what it is told.
fn unavailable<T: std::fmt::Debug>(outcome: Result<T, Error>) -> (u32, String) {
    match outcome {
        Err(error @ Error::Unavailable { .. }) => {
            assert_eq!(error.code(), "unavailable");
            let Error::Unavailable { what, retry_after, .. } = error else { unreachable!() };
            (retry_after, what.into_owned())
        }
        other => panic!("refused, not {other:?}"),
    }
}

fn took_too_long<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let (retry_after, what) = unavailable(outcome);
    assert!(what.contains("a statement took too long") && retry_after > 0, "{what}");
}

fn of_a_second(n: usize) -> MariaDbOptions {
    MariaDbOptions { statement_time: Duration::from_secs(1), ..support::options(n) }
}

#[tokio::test]
async fn a_read_that_takes_too_long_is_ended_by_the_server() {
    let n = 400;
    let (vivero, session, mut root) = limited(n, of_a_second(n)).await;
    let account = account(&mut root).await;
    let kept = session.entities().create(lot("A-1")).await.expect("a lot");
    session.seal().await.expect("sealing");
    // Whoever looks into the journal is busy for long from now on.
    run(&mut root, "RENAME TABLE journal TO entries").await;
    let slow = format!("CREATE VIEW journal AS SELECT * FROM entries WHERE sleep({SLOW}) = 0");
    run(&mut root, &slow).await;
    let begun = Instant::now();
    took_too_long(session.entities().history(kept.id, None, 10).await);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(connections(&mut root, &account, "info LIKE '%record_id%'").await, 0, "it ended");
    run(&mut root, "DROP VIEW journal").await;
    run(&mut root, "RENAME TABLE entries TO journal").await;
    // And whoever looks at a lot waits.
    run(&mut root, "LOCK TABLES entities WRITE").await;
    let begun = Instant::now();
    took_too_long(session.entities().find(kept.id).await);
    took_too_long(session.entities().list(EntityFilter::new(), Page::first(10)).await);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    run(&mut root, "UNLOCK TABLES").await;

    let history = session.entities().history(kept.id, None, 10).await.expect("history");
    assert_eq!(history.len(), 1);
    let found = session.entities().find(kept.id).await.expect("finding").expect("the lot");
    assert_eq!(found, kept);
    let page = session.entities().list(EntityFilter::new(), Page::first(10)).await;
    assert_eq!(page.expect("a page").items.len(), 1);
    session.entities().create(lot("A-2")).await.expect("another lot");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn a_work_that_takes_too_long_is_ended_by_the_server_and_leaves_nothing() {
    let n = 401;
    let (vivero, session, mut root) = limited(n, of_a_second(n)).await;
    session.entities().create(lot("A-1")).await.expect("a lot");
    // Its row is written by then.
    let trigger = format!(
        "CREATE TRIGGER dawdles BEFORE INSERT ON journal FOR EACH ROW \
         IF NEW.changes LIKE '%SLOW%' THEN DO sleep({SLOW}); END IF"
    );
    run(&mut root, &trigger).await;
    let begun = Instant::now();
    // Alone, and beside others, who wait for it or share its transaction.
    took_too_long(session.entities().create(lot("SLOW-1")).await);
    let lots = session.entities();
    let (slow, quick, other) = tokio::join!(
        lots.create(lot("SLOW-2")),
        lots.create(lot("QUICK-1")),
        lots.create(lot("QUICK-2")),
    );
    took_too_long(slow);
    quick.expect("a lot");
    other.expect("a lot");
    // By itself: none of it may be committed.
    let mut work = session.begin().await.expect("beginning");
    work.entities().create(lot("KEPT")).await.expect("a lot");
    work.entities().create(lot("SLOW-3")).await.expect("a lot, with its entry to come");
    took_too_long(work.commit().await);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());

    session.entities().create(lot("KEPT")).await.expect("the code is free");
    assert_eq!(number(&mut root, "SELECT count(*) FROM entities").await, 4);
    let slow = "SELECT count(*) FROM entities WHERE code LIKE 'SLOW%'";
    assert_eq!(number(&mut root, slow).await, 0);
    let entries = "SELECT count(*) FROM journal WHERE action = 'entity.create'";
    assert_eq!(number(&mut root, entries).await, 4, "nor is there an entry");
    let words =
        "SELECT count(*) FROM entities_search WHERE rowid NOT IN (SELECT seq FROM entities)";
    assert_eq!(number(&mut root, words).await, 0, "nor a word");
    session.seal().await.expect("sealing");
    let report = session.verify_audit().await.expect("the chain");
    assert!(report.breaks.is_empty() && report.unsealed == 0, "{report:?}");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn limits_that_the_server_would_take_for_none_are_refused() {
    let n = 404;
    let cases = [
        (
            "statement_time",
            MariaDbOptions { statement_time: Duration::from_millis(999), ..support::options(n) },
        ),
        (
            "connections_per_account",
            MariaDbOptions { connections_per_account: 0, ..support::options(n) },
        ),
    ];
    for (field, options) in cases {
        let refused = Vivero::builder().mariadb(options).open(&support::registry(n)).await;
        match refused.map(|_| ()) {
            Err(Error::Invalid(errors)) => {
                assert_eq!((&*errors[0].field, errors.len()), (field, 1))
            }
            other => panic!("{field}: {other:?}"),
        }
    }
}

/// Connections that one account may have.
const FEW: u32 = 4;

/// Somebody who has the tenant's password.
struct Stranger {
    login: MySqlConnectOptions,
    has: Vec<MySqlConnection>,
}

impl Stranger {
    /// Gives the account a password that the test knows, which nobody else does.
    async fn new(root: &mut MySqlConnection, account: &str) -> Self {
        run(root, &format!("SET PASSWORD FOR '{account}'@'%' = PASSWORD('known')")).await;
        let login = MySqlConnectOptions::from_str(support::address()).expect("an address");
        let login = login.username(account).password("known").database(account);
        Self { login, has: Vec::new() }
    }

    /// Takes all connections that are left; how many, and what the next was refused with.
    async fn take_all(&mut self) -> (usize, u16) {
        loop {
            match self.login.connect().await {
                Ok(connection) => self.has.push(connection),
                Err(sqlx::Error::Database(e)) => {
                    let number = e.try_downcast_ref::<MySqlDatabaseError>();
                    return (self.has.len(), number.map_or(0, MySqlDatabaseError::number));
                }
                Err(other) => panic!("{other}"),
            }
            assert!(self.has.len() <= FEW as usize, "the account may have as many as it likes");
        }
    }

    async fn go(&mut self) {
        for connection in self.has.drain(..) {
            connection.close().await.expect("closed");
        }
    }
}

/// Waits until the server has noticed who is gone.
async fn gone(root: &mut MySqlConnection, account: &str) {
    let deadline = Instant::now() + SOON;
    while connections(root, account, "true").await > 0 {
        assert!(Instant::now() < deadline, "the connections of {account} stay");
        tokio::task::yield_now().await;
    }
}

fn reached_its_limit<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let (retry_after, what) = unavailable(outcome);
    assert!(what.contains("connections") && what.contains("the user's own limit"), "{what}");
    assert!(retry_after > 0, "{what}");
}

#[tokio::test]
async fn who_finds_all_connections_of_the_account_taken_is_told_so_until_they_are_given_back() {
    let n = 402;
    let options = || MariaDbOptions { connections_per_account: FEW, ..support::options(n) };
    let (vivero, session, mut root) = limited(n, options()).await;
    let account = account(&mut root).await;
    let slug = session.tenant().slug.clone();
    drop(session);
    vivero.close().await;
    gone(&mut root, &account).await;
    let mut stranger = Stranger::new(&mut root, &account).await;
    assert_eq!(stranger.take_all().await, (FEW as usize, 1226), "so many and no more");
    // Another process, for which the account gets a password that it knows.
    let vivero = reopen(n, options()).await;
    vivero.rotate_credentials(&slug).await.expect("another password");
    let begun = Instant::now();
    for _ in 0..3 {
        reached_its_limit(vivero.sign_in("acme-plants", grower()).await.map(|_| ()));
    }
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    // Others are not concerned; what is made now has the same limit.
    let new =
        NewTenant::trial("other-plants", Owner::new("grower@example.com", "any secret at all"));
    let other = vivero.tenants().provision(new).await.expect("provisioning");
    let limit = format!(
        "SELECT max_user_connections FROM mysql.user WHERE user LIKE '%{}'",
        other.id.uuid().simple()
    );
    assert_eq!(number(&mut root, &limit).await, i64::from(FEW));
    // Who comes shortly before they are given back waits for that, and hears nothing of it.
    let mut waited = false;
    for _ in 0..5 {
        let comes = {
            let vivero = vivero.clone();
            tokio::spawn(async move { vivero.sign_in("acme-plants", grower()).await })
        };
        tokio::time::sleep(Duration::from_millis(200)).await;
        waited = !comes.is_finished();
        stranger.go().await;
        waited &= comes.await.expect("no panic").is_ok();
        if waited {
            break;
        }
        stranger = Stranger::new(&mut root, &account).await;
        stranger.take_all().await;
        vivero.rotate_credentials(&slug).await.expect("another password");
    }
    assert!(waited, "at least once it was not too late");
    let session = vivero.sign_in("acme-plants", grower()).await.expect("there is room");
    session.entities().create(lot("A-1")).await.expect("a lot");
    drop(session);
    vivero.close().await;
}

#[tokio::test]
async fn works_that_have_their_connections_go_on_while_others_take_the_rest() {
    let n = 403;
    let options = MariaDbOptions { connections_per_account: FEW, ..support::options(n) };
    let (vivero, session, mut root) = limited(n, options).await;
    let account = account(&mut root).await;
    let mut work = session.begin().await.expect("beginning");
    work.entities().create(lot("A-1")).await.expect("a lot");
    let mut stranger = Stranger::new(&mut root, &account).await;
    let (taken, refused) = stranger.take_all().await;
    assert!(taken > 0 && taken < FEW as usize, "{taken}");
    assert_eq!(refused, 1226);
    vivero.rotate_credentials(&session.tenant().slug).await.expect("another password");
    // A second transaction takes a connection of its own.
    let begun = Instant::now();
    let mut more = Vec::new();
    let outcome = loop {
        match session.begin().await {
            // One was there and idle.
            Ok(work) if more.len() < FEW as usize => more.push(work),
            other => break other,
        }
    };
    reached_its_limit(outcome.map(|_| ()));
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    drop(more);
    work.commit().await.expect("it has its connection");
    stranger.go().await;
    let deadline = Instant::now() + SOON;
    loop {
        let several = futures_util::future::try_join_all((0..2).map(|_| session.begin())).await;
        match several {
            Ok(_) => break,
            Err(refused) => reached_its_limit(Err::<(), _>(refused)),
        }
        assert!(Instant::now() < deadline, "there is room");
    }
    session.entities().create(lot("A-2")).await.expect("a lot");
    assert_eq!(number(&mut root, "SELECT count(*) FROM entities").await, 2);
    drop(session);
    vivero.close().await;
}
