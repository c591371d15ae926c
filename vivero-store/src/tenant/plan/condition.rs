//! Predicates as SQL.

use crate::backend::{Backend, Sql};
use vivero_core::Value;
use vivero_core::query::Predicate;

/// A predicate as SQL on `t`.
pub(crate) fn condition<B: Backend>(sql: &mut Sql, predicate: &Predicate) {
    match predicate {
        Predicate::All => {
            sql.add("1 = 1");
        }
        Predicate::None => {
            sql.add("1 = 0");
        }
        Predicate::Equals(column, Value::Null) => {
            sql.addf(format_args!("t.{column} IS NULL"));
        }
        Predicate::Equals(column, value) => {
            sql.addf(format_args!("t.{column} = ?")).bind(value.clone());
        }
        Predicate::OneOf(_, values) if values.is_empty() => {
            sql.add("1 = 0");
        }
        Predicate::OneOf(column, values) => {
            let some: Vec<Value> = values.iter().filter(|v| !v.is_null()).cloned().collect();
            let or_null = some.len() < values.len();
            if some.is_empty() {
                sql.addf(format_args!("t.{column} IS NULL"));
                return;
            }
            sql.addf(format_args!("(t.{column} IN ("));
            placeholders(sql, some.into_iter());
            sql.add("))");
            if or_null {
                // IN never finds the absence of a value.
                sql.text.insert_str(sql.text.len() - 1, &format!(" OR t.{column} IS NULL"));
            }
        }
        Predicate::Within(_, roots) if roots.is_empty() => {
            sql.add("1 = 0");
        }
        Predicate::Within(column, roots) => {
            // A path ends with `/` and holds hexadecimal digits and `/` only: `~` sorts after all.
            sql.addf(format_args!(
                "t.{column} IN (SELECT below.id FROM locations top JOIN locations below \
                 ON below.path >= top.path AND below.path < {} WHERE top.id IN (",
                B::concat("top.path", "'~'")
            ));
            placeholders(sql, roots.iter().map(|id| Value::Id(*id)));
            sql.add("))");
        }
        Predicate::And(parts) | Predicate::Or(parts) => {
            let (word, empty) = if matches!(predicate, Predicate::And(_)) {
                (" AND ", "1 = 1")
            } else {
                (" OR ", "1 = 0")
            };
            sql.add("(");
            if parts.is_empty() {
                sql.add(empty);
            }
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    sql.add(word);
                }
                condition::<B>(sql, part);
            }
            sql.add(")");
        }
    }
}

fn placeholders(sql: &mut Sql, values: impl Iterator<Item = Value>) {
    for (i, value) in values.enumerate() {
        sql.add(if i == 0 { "?" } else { ", ?" }).bind(value);
    }
}
