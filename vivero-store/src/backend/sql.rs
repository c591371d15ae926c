//! SQL text with its parameters.

use super::{Backend, Cells};
use std::fmt::Write as _;
use uuid::Uuid;
use vivero_core::record::{Kind, Schema};
use vivero_core::{Error, Result, Value};

/// SQL text with its parameters.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sql {
    pub(crate) text: String,
    pub(crate) args: Vec<Value>,
    /// Whether it may take long: then it must not keep other tasks of its thread waiting.
    pub(crate) long: bool,
    /// Whether the same text comes again and again: then it is worth preparing on any engine.
    pub(crate) fixed: bool,
}

impl Sql {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), args: Vec::new(), long: false, fixed: false }
    }
    /// Values in parentheses.
    pub(crate) fn row(values: Vec<Value>) -> Self {
        let mut sql = Self::new("(");
        for (i, value) in values.into_iter().enumerate() {
            let _ = sql.text.write_str(if i == 0 { "?" } else { ", ?" });
            sql.args.push(value);
        }
        sql.add(")");
        sql
    }
    /// What adds rows: `head` is everything up to and with `VALUES `.
    pub(crate) fn insert(head: &str, rows: Vec<Vec<Value>>) -> Self {
        let marks = format!("({})", vec!["?"; rows.first().map_or(0, Vec::len)].join(", "));
        let mut sql = Self::new(format!("{head}{}", vec![marks; rows.len()].join(", ")));
        sql.long = rows.len() > 1;
        sql.args = rows.into_iter().flatten().collect();
        sql
    }
    /// What changes a row if it is of the version `from`; before each of `sets` is a comma.
    pub(crate) fn update(schema: &Schema, id: Uuid, (from, to): (i64, i64), sets: Self) -> Self {
        let mut sql = Self::new(format!("UPDATE {} SET version = ?", schema.table));
        sql.bind(Value::Int(to)).append(sets);
        sql.add(" WHERE id = ? AND version = ?").bind(Value::Id(id)).bind(Value::Int(from));
        sql
    }
    /// Says that it looks at many rows.
    pub(crate) const fn long(mut self) -> Self {
        self.long = true;
        self
    }
    /// Says that it is one of few texts that are run often.
    pub(crate) const fn fixed(mut self, fixed: bool) -> Self {
        self.fixed = fixed;
        self
    }
    /// Appends text.
    pub(crate) fn add(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }
    /// Appends formatted text.
    pub(crate) fn addf(&mut self, text: std::fmt::Arguments<'_>) -> &mut Self {
        let _ = self.text.write_fmt(text);
        self
    }
    /// Binds a parameter whose `?` is already in the text.
    pub(crate) fn bind(&mut self, value: Value) -> &mut Self {
        self.args.push(value);
        self
    }
    /// Appends another's text and parameters.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.args.extend(other.args);
        self.add(&other.text)
    }
    pub(crate) fn with(mut self, value: Value) -> Self {
        self.bind(value);
        self
    }
    /// All rows, their columns being of `kinds`.
    pub(crate) async fn fetch<B: Backend>(
        self,
        connection: &mut B::Connection,
        kinds: &[Kind],
    ) -> Result<Vec<Cells>> {
        B::fetch(connection, self, kinds).await.map_err(Into::into)
    }
    /// The first row, if there is one.
    pub(crate) async fn first<B: Backend>(
        self,
        connection: &mut B::Connection,
        kinds: &[Kind],
    ) -> Result<Option<Cells>> {
        Ok(self.fetch::<B>(connection, kinds).await?.into_iter().next())
    }
    /// The number in the first column of the first row.
    pub(crate) async fn number<B: Backend>(
        self,
        connection: &mut B::Connection,
    ) -> Result<Option<i64>> {
        Ok(self.first::<B>(connection, &[Kind::Int]).await?.map(|row| row.int(0)))
    }
    pub(crate) async fn execute<B: Backend>(self, connection: &mut B::Connection) -> Result<u64> {
        B::execute(connection, self).await.map_err(Into::into)
    }
    /// Like `execute`, with a unique violation told from other failures.
    pub(crate) async fn execute_unique<B: Backend>(
        self,
        connection: &mut B::Connection,
        resource: &'static str,
    ) -> Result<u64> {
        B::execute(connection, self).await.map_err(|e| match B::taken_field(&e) {
            Some(field) => Error::Taken { resource: resource.into(), field },
            None => e.into(),
        })
    }
}
