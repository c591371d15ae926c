//! A sample of what the tenant stores, from which requests are made up.

use super::api::{Api, PageHead, encode};
use super::http::Connection;
use super::random::Random;
use super::targets::SORTS;
use crate::Failure;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// Ids for point reads are drawn from at least this many, if there are so many.
const LEAST: usize = 2_000;
/// Places whose stock is looked at, so that the sample is not only what sorts first.
const PLACES: usize = 120;

/// An entity as it comes over the wire, as far as it is needed here.
#[derive(Debug, Deserialize)]
struct Row {
    id: String,
    code: String,
    name: String,
    r#type: String,
    status: String,
    stage: String,
    location_id: Option<String>,
    batch_number: Option<String>,
    quality_grade: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Rows {
    items: Vec<Row>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Place {
    id: String,
    parent_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Places {
    items: Vec<Place>,
    next_cursor: Option<String>,
}

/// Names of the filters of [`Lot::values`].
pub(crate) const FILTERS: [&str; 5] = ["type", "status", "stage", "batch_number", "quality_grade"];

/// One stored entity.
#[derive(Debug)]
pub(crate) struct Lot {
    pub(crate) id: String,
    pub(crate) code: String,
    pub(crate) name: String,
    /// The value of each of [`FILTERS`].
    pub(crate) values: [Option<String>; 5],
    /// Where it stands, from the site down to the bed.
    pub(crate) places: [Option<String>; 3],
}

/// What was found.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) lots: Vec<Lot>,
    /// Places where stock stands.
    pub(crate) beds: Vec<String>,
    /// All entities of the tenant.
    pub(crate) total: u64,
}

impl Sample {
    /// Looks at the ends of every sort and at places all over the tree.
    pub(crate) async fn take(api: &Api, random: &mut Random) -> Result<Self, Failure> {
        let mut connection = Connection::new(api.address);
        let head: PageHead = api.get(&mut connection, "/entities?limit=1&total=true").await?;
        let parents = locations(api, &mut connection).await?;
        let mut rows = Found::default();
        for sort in SORTS {
            rows.add(api.get(&mut connection, &format!("/entities?limit=200&sort={sort}")).await?);
        }
        let mut places: Vec<&String> = parents.keys().collect();
        places.sort();
        random.shuffle(&mut places);
        for place in places.iter().take(PLACES) {
            let path = format!("/entities?limit=50&sort=code&location_id={}", encode(place));
            rows.add(api.get(&mut connection, &path).await?);
        }
        let mut path = "/entities?limit=200".to_owned();
        while rows.lots.len() < LEAST {
            let Some(next) = rows.add(api.get(&mut connection, &path).await?) else { break };
            path = format!("/entities?limit=200&cursor={}", encode(&next));
        }
        if rows.lots.is_empty() {
            return Err("the tenant has no entities".into());
        }
        let beds =
            rows.lots.iter().filter_map(|row| row.location_id.clone()).collect::<HashSet<_>>();
        let mut beds: Vec<String> = beds.into_iter().collect();
        beds.sort();
        let lots = rows.lots.into_iter().map(|row| lot(row, &parents)).collect();
        Ok(Self { lots, beds, total: head.total.unwrap_or(0) })
    }
}

/// Rows without repetition.
#[derive(Debug, Default)]
struct Found {
    ids: HashSet<String>,
    lots: Vec<Row>,
}

impl Found {
    fn add(&mut self, page: Rows) -> Option<String> {
        for row in page.items {
            if self.ids.insert(row.id.clone()) {
                self.lots.push(row);
            }
        }
        page.next_cursor
    }
}

/// Every location with the one it lies in.
async fn locations(
    api: &Api,
    connection: &mut Connection,
) -> Result<HashMap<String, Option<String>>, Failure> {
    let mut parents = HashMap::new();
    let mut path = "/locations?limit=200".to_owned();
    loop {
        let page: Places = api.get(connection, &path).await?;
        parents.extend(page.items.into_iter().map(|place| (place.id, place.parent_id)));
        let Some(next) = page.next_cursor else { return Ok(parents) };
        path = format!("/locations?limit=200&cursor={}", encode(&next));
    }
}

fn lot(row: Row, parents: &HashMap<String, Option<String>>) -> Lot {
    let mut up = Vec::new();
    let mut place = row.location_id;
    while let Some(id) = place {
        place = parents.get(&id).cloned().flatten();
        up.push(id);
    }
    let places = match up.as_slice() {
        [] => [None, None, None],
        [site] => [Some(site.clone()), None, None],
        [house, site] => [Some(site.clone()), Some(house.clone()), None],
        [bed, .., house, site] => [Some(site.clone()), Some(house.clone()), Some(bed.clone())],
    };
    Lot {
        id: row.id,
        code: row.code,
        name: row.name,
        values: [
            Some(row.r#type),
            Some(row.status),
            Some(row.stage),
            row.batch_number,
            row.quality_grade,
        ],
        places,
    }
}
