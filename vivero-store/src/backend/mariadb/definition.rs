//! What a statement leaves behind, on its connection and if it is run twice, and which take no time.

use std::collections::HashSet;

/// How statements begin that change tables and nothing of the connection.
const PLAIN: [&[&str]; 6] = [
    &["ALTER", "TABLE"],
    &["CREATE", "INDEX"],
    &["CREATE", "UNIQUE", "INDEX"],
    &["CREATE", "TABLE"],
    &["DROP", "INDEX"],
    &["DROP", "TABLE"],
];

/// Whether a statement certainly leaves a connection as it was: no variable, temporary table, lock or open
/// transaction, and no second statement behind it. Of most others that is so, too, but who takes a connection
/// over must not have to trust in that.
pub(super) fn leaves_nothing(statement: &str) -> bool {
    let words: Vec<String> =
        statement.split_whitespace().take(3).map(str::to_ascii_uppercase).collect();
    let plain =
        PLAIN.iter().any(|plain| words.len() >= plain.len() && words[..plain.len()] == **plain);
    // Variables begin with `@`; functions such as `get_lock` are part of a `SELECT`.
    plain && !statement.contains(['@', ';']) && !statement.to_ascii_uppercase().contains("SELECT")
}

/// How statements begin that add to what there is, unless it is there.
const ADDING: [&[&str]; 6] = [
    &["CREATE", "TABLE", "IF", "NOT", "EXISTS"],
    &["CREATE", "INDEX", "IF", "NOT", "EXISTS"],
    &["CREATE", "UNIQUE", "INDEX", "IF", "NOT", "EXISTS"],
    &["ALTER", "TABLE", "*", "ADD", "COLUMN", "IF", "NOT", "EXISTS"],
    &["ALTER", "TABLE", "*", "ADD", "INDEX", "IF", "NOT", "EXISTS"],
    &["ALTER", "TABLE", "*", "ADD", "KEY", "IF", "NOT", "EXISTS"],
];

/// Whether a statement certainly does nothing but add one table, column or index that is not there: no row
/// is changed, and to run it again does nothing.
pub(super) fn only_adds(statement: &str) -> bool {
    let words: Vec<String> =
        statement.split_whitespace().take(8).map(str::to_ascii_uppercase).collect();
    let adds = ADDING.iter().any(|adding| {
        words.len() >= adding.len()
            && adding.iter().zip(&words).all(|(wanted, word)| *wanted == "*" || wanted == word)
    });
    adds && leaves_nothing(statement) && is_one_clause(statement)
}

/// How many of these statements, from the first on, may be sent in one packet: they make a table, and what is
/// added to tables they made, which takes no time because nothing is in them. At least one.
pub(super) fn together<'s>(statements: impl Iterator<Item = &'s str>) -> usize {
    let mut made: HashSet<String> = HashSet::new();
    let (mut some, mut long) = (0, 0);
    for statement in statements {
        long += statement.len();
        let Some((table, makes)) = table(statement).filter(|_| long <= LONGEST) else { break };
        if makes {
            made.insert(table);
        } else if !made.contains(&table) {
            break;
        }
        some += 1;
    }
    some.max(1)
}

/// Bytes of statements that are sent together, at most.
const LONGEST: usize = 256 * 1024;

/// The table that a statement makes or adds to, and whether it makes it; none if it may do something else.
fn table(statement: &str) -> Option<(String, bool)> {
    if !only_adds(statement) {
        return None;
    }
    let mut words = statement.split(|c: char| c.is_whitespace() || c == '(');
    let words: Vec<&str> = words.by_ref().filter(|word| !word.is_empty()).take(9).collect();
    let word = |at: usize| words.get(at).map_or(String::new(), |word| word.to_ascii_uppercase());
    let (at, makes) = match (&*word(0), &*word(1)) {
        ("CREATE", "TABLE") => (5, true),
        ("ALTER", _) => (2, false),
        ("CREATE", "INDEX") if word(6) == "ON" => (7, false),
        ("CREATE", "UNIQUE") if word(7) == "ON" => (8, false),
        _ => return None,
    };
    // Names of tables differ by case on most servers.
    words.get(at).map(|table| ((*table).to_owned(), makes))
}

/// Whether there is no comma outside of brackets, and nothing that could hide one.
fn is_one_clause(statement: &str) -> bool {
    let mut open = 0_i32;
    for c in statement.chars() {
        match c {
            '(' => open += 1,
            ')' => open -= 1,
            // Texts and comments may hold brackets.
            '\'' | '"' | '`' | '#' | '\\' | '/' | '-' => return false,
            ',' if open < 1 => return false,
            _ => {}
        }
    }
    open == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_certainly_leaves_nothing_is_taken_for_it() {
        for plain in [
            "CREATE TABLE IF NOT EXISTS beds (n BIGINT PRIMARY KEY)",
            "  alter table\n beds ADD COLUMN note LONGTEXT",
            "CREATE UNIQUE INDEX beds_area ON beds (area)",
        ] {
            assert!(leaves_nothing(plain), "{plain}");
        }
        for other in [
            "SET @n = 1",
            "SET SESSION sql_mode = ''",
            "UPDATE beds SET n = 1",
            "CREATE TEMPORARY TABLE beds (n BIGINT)",
            "CREATE TABLE beds SELECT get_lock('a', 1) AS n",
            "ALTER TABLE beds COMMENT 'a'; LOCK TABLES beds WRITE",
            "CREATE TABLE beds (n BIGINT DEFAULT (@n))",
            "/* CREATE TABLE */ SET @n = 1",
            "USE other",
            "",
        ] {
            assert!(!leaves_nothing(other), "{other}");
        }
    }

    #[test]
    fn only_what_certainly_adds_may_be_run_twice() {
        for adds in [
            "CREATE TABLE IF NOT EXISTS beds (n BIGINT PRIMARY KEY, area DECIMAL(10,2))",
            " alter table beds\n add column if not exists note LONGTEXT",
            "ALTER TABLE beds ADD INDEX IF NOT EXISTS beds_area (area, n)",
            "CREATE UNIQUE INDEX IF NOT EXISTS beds_area ON beds (area)",
        ] {
            assert!(only_adds(adds), "{adds}");
        }
        for other in [
            "CREATE TABLE beds (n BIGINT PRIMARY KEY)",
            "CREATE INDEX beds_area ON beds (area)",
            "CREATE OR REPLACE TABLE IF NOT EXISTS beds (n BIGINT)",
            "CREATE TABLE IF NOT EXISTS beds AS SELECT 1 AS n",
            "ALTER TABLE beds ADD COLUMN note LONGTEXT",
            "ALTER TABLE beds ADD COLUMN IF NOT EXISTS a INT, DROP COLUMN b",
            "ALTER TABLE beds ADD COLUMN IF NOT EXISTS a INT COMMENT '(', DROP COLUMN b, COMMENT ')'",
            "ALTER TABLE beds DROP COLUMN IF EXISTS note",
            "ALTER TABLE beds ADD PRIMARY KEY IF NOT EXISTS (n)",
            "DROP TABLE IF EXISTS beds",
            "UPDATE beds SET n = 1",
            "",
        ] {
            assert!(!only_adds(other), "{other}");
        }
    }

    #[test]
    fn what_makes_a_table_and_adds_to_it_goes_together() {
        let table = "CREATE TABLE IF NOT EXISTS beds (n BIGINT PRIMARY KEY)";
        let close = "create table if not exists rows(n BIGINT PRIMARY KEY)";
        let column = "ALTER TABLE beds ADD COLUMN IF NOT EXISTS note LONGTEXT";
        let index = "CREATE UNIQUE INDEX IF NOT EXISTS beds_n ON beds(n)";
        let other = "CREATE INDEX IF NOT EXISTS entities_n ON entities (n)";
        let of = |statements: &[&str]| together(statements.iter().copied());
        assert_eq!(of(&[table, column, index]), 3);
        assert_eq!(of(&[table, close, index, "CREATE INDEX IF NOT EXISTS r ON rows (n)"]), 4);
        assert_eq!(of(&[table, other, index]), 1, "entities may have many rows");
        assert_eq!(of(&[column, index]), 1, "beds was there");
        assert_eq!(of(&[table, "UPDATE beds SET n = 1", column]), 1);
        assert_eq!(of(&["UPDATE beds SET n = 1", table]), 1);
        assert_eq!(of(&[table, &table.replace("beds", "`beds`")]), 1, "what is quoted is not read");
        let long = format!("CREATE TABLE IF NOT EXISTS long (n{} BIGINT)", " ".repeat(LONGEST));
        assert_eq!(of(&[table, &long, column]), 1);
        assert_eq!(of(&[&long]), 1);
    }
}
