//! What a statement leaves behind on its connection.

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
}
