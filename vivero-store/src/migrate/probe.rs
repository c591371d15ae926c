//! How quick a tenant's lists are, before and after its migration.

use super::Shape;
use crate::backend::Backend;
use crate::tenant::plan::{self, About, Table};
use std::time::{Duration, Instant};
use vivero_core::Result;
use vivero_core::entity::Entity;
use vivero_core::query::{Predicate, Query, Sort};
use vivero_core::record::{Record as _, Schema};

/// How often each list is asked for; the first time does not count.
const ROUNDS: usize = 9;
/// Rows of a list.
const ROWS: u32 = 50;

/// The lists that are asked for, as the tenant's tables allowed them before.
pub(super) struct Probe {
    table: Table,
    queries: Vec<Query>,
}

impl Probe {
    pub(super) async fn new<B: Backend>(readers: &B::Pool) -> Result<Self> {
        let shape = Shape::read::<B>(&mut *B::acquire(readers).await?).await?;
        let schema: &'static Schema = Entity::SCHEMA;
        let sorts = std::iter::once(None).chain(crate::schema::sorts(schema).into_iter().map(Some));
        let queries = sorts.take(4).filter_map(|sort| {
            let text = format!("-{}", sort.unwrap_or("created_at"));
            let sort = Sort::parse(&text, schema).ok()?;
            Some(Query { sort, ..Query::new(Predicate::All, ROWS) })
        });
        Ok(Self { queries: queries.collect(), table: Table::reduced(schema, &shape) })
    }

    pub(super) async fn run<B: Backend>(&self, readers: &B::Pool) -> Result<Vec<Duration>> {
        let mut connection = B::acquire(readers).await?;
        let mut all = Vec::new();
        for round in 0..ROUNDS {
            for query in &self.queries {
                let start = Instant::now();
                plan::list::<B>(&mut connection, &self.table, query, About::default()).await?;
                if round > 0 {
                    all.push(start.elapsed());
                }
            }
        }
        Ok(all)
    }
}
