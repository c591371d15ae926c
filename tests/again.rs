//! A request with an `Idempotency-Key` whose work the database undoes is done again, so often and no more.

#[path = "support/child.rs"]
mod child;
#[path = "../vivero-store/tests/support/mariadb.rs"]
#[expect(dead_code, reason = "only its address is needed")]
mod mariadb;
#[path = "support/nodes.rs"]
#[expect(dead_code, reason = "one node is enough")]
mod support;

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Row as _};
use std::str::FromStr as _;
use support::{Installation, Node, PLATFORM_KEY};
use vivero_client::TenantIn;

const SLUG: &str = "acme-plants";
const EMAIL: &str = "owner@acme.example";
const SECRET: &str = "three quiet greenhouses";

async fn run(root: &mut MySqlConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(root).await;
    done.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

async fn number(root: &mut MySqlConnection, sql: &str) -> i64 {
    let row = sqlx::raw_sql(AssertSqlSafe(format!("SELECT CAST(({sql}) AS SIGNED)")));
    row.fetch_one(root).await.unwrap_or_else(|e| panic!("{sql}: {e}")).get(0)
}

struct Caller {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Caller {
    async fn post(&self, path: &str, key: &str, body: Value) -> Response {
        let request = self.http.post(format!("{}/{path}", self.base)).bearer_auth(&self.token);
        let request = request.header("Idempotency-Key", key);
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.expect("an answer")
    }
}

async fn caller(node: &Node) -> Caller {
    let tenant =
        TenantIn { slug: Some(SLUG.into()), ..TenantIn::new("Acme Plants", EMAIL, SECRET) };
    node.client().platform(PLATFORM_KEY).tenants().create(tenant).await.expect("a tenant");
    let admin = node.client().tenant(SLUG).sign_in(EMAIL, SECRET).await.expect("the Admin");
    let token = admin.tokens().await.expect("tokens").access_token.expose().to_owned();
    let base = format!("{}/api/v1/{SLUG}", node.base());
    Caller { http: reqwest::Client::new(), base, token }
}

#[tokio::test]
async fn a_request_with_a_key_is_done_again_when_it_was_undone() {
    let installation = Installation::new(mariadb::address(), None, "again");
    let mut node = installation.any_node();
    let caller = caller(&node).await;
    let root = MySqlConnectOptions::from_str(mariadb::address()).expect("an address");
    let registry = root.clone().database(&format!("nodes_again_{}", std::process::id()));
    let mut registry = registry.connect().await.expect("the registry");
    let name = sqlx::raw_sql("SELECT database_name FROM tenant_databases");
    let name: String = name.fetch_one(&mut registry).await.expect("a tenant").get(0);
    let mut root = root.database(&name).connect().await.expect("the tenant's database");
    // What a table without transactions holds outlives the undoing.
    run(&mut root, "CREATE TABLE failures (n INT NOT NULL) ENGINE=Aria TRANSACTIONAL=0").await;
    run(&mut root, "INSERT INTO failures VALUES (0)").await;
    let body = "FOR EACH ROW BEGIN UPDATE failures SET n = n - 1 WHERE n > 0; \
         IF ROW_COUNT() > 0 THEN SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213; END IF; END";
    let lots = "SELECT count(*) FROM entities";
    let lot = |code: &str| json!({"code": code, "name": "Hebe", "type": "cutting", "quantity": 10, "unit": "plant"});

    // In the middle of the work, and with its commit.
    for (i, table) in ["entities", "journal"].into_iter().enumerate() {
        run(&mut root, &format!("CREATE TRIGGER fails BEFORE INSERT ON {table} {body}")).await;
        run(&mut root, "UPDATE failures SET n = 2").await;
        let (code, key) = (format!("A-{i}"), format!("key-{i}"));
        let made = caller.post("entities", &key, lot(&code)).await;
        assert_eq!(made.status(), StatusCode::CREATED, "{table}");
        assert_eq!(number(&mut root, "SELECT n FROM failures").await, 0, "it failed twice");
        let made: Value = made.json().await.expect("a lot");
        let again = caller.post("entities", &key, lot(&code)).await;
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.json::<Value>().await.expect("a lot"), made, "the same answer");
        assert_eq!(number(&mut root, lots).await, i as i64 + 1, "it was done once");

        if table == "journal" {
            let path = format!("entities/{}", made["id"].as_str().expect("an id"));
            let delete = caller.http.delete(format!("{}/{path}", caller.base));
            let deleted = delete.bearer_auth(&caller.token).send().await.expect("an answer");
            assert_eq!(deleted.status(), StatusCode::OK);
            run(&mut root, "UPDATE failures SET n = 2").await;
            let back = caller.post(&format!("{path}/recover"), "key-back", Value::Null).await;
            assert_eq!(back.status(), StatusCode::OK);
            assert_eq!(back.json::<Value>().await.expect("a lot")["version"], 3);
            assert_eq!(number(&mut root, "SELECT n FROM failures").await, 0, "it failed twice");
        }

        run(&mut root, "UPDATE failures SET n = 100").await;
        let refused = caller.post("entities", "key-refused", lot("B-1")).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "tries are bounded");
        assert_eq!(refused.headers()["retry-after"], "1");
        // The first packet of a hurried try may be sent five times more, then there are five others.
        let left = number(&mut root, "SELECT n FROM failures").await;
        assert!((89..=95).contains(&left), "{left}");
        run(&mut root, "UPDATE failures SET n = 0").await;
        run(&mut root, "DROP TRIGGER fails").await;
    }
    node.stop().await;
}
