//! Writing: lots of the run's own, with codes that no other run has.

use super::api::{Api, refused};
use super::http::{Answer, Connection};
use super::jobs::Job;
use super::operation::Operation;
use super::random::Random;
use super::sample::Sample;
use crate::Failure;
use serde_json::{Value as Json, json};
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

/// Own lots of each connection, which it changes in turn.
const LOTS: usize = 20;
const KINDS: [&str; 4] = ["container_plant", "young_plant", "cutting", "field_stock"];

/// What all writers of a run share.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    run: Arc<str>,
    count: Arc<AtomicU64>,
    names: Arc<[String]>,
    beds: Arc<[String]>,
    idempotency: bool,
}

impl Writing {
    pub(crate) fn new(sample: &Sample, idempotency: bool) -> Self {
        // Codes must be unique over all runs on the same data, so they cannot come from the seed.
        let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self {
            run: format!("{:X}", since.as_millis()).into(),
            count: Arc::default(),
            names: sample.lots.iter().map(|lot| lot.name.clone()).collect(),
            beds: sample.beds.clone().into(),
            idempotency,
        }
    }

    fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// A header line that names this request alone, if it is wanted.
    fn key(&self, headers: &mut Vec<u8>) {
        if self.idempotency {
            // Writing into a Vec cannot fail.
            let _ = write!(headers, "idempotency-key: load-{}-{}\r\n", self.run, self.number());
        }
    }

    fn bed(&self, random: &mut Random) -> Option<&String> {
        random.pick(&self.beds)
    }

    fn lot(&self, random: &mut Random) -> Json {
        let number = self.number();
        json!({
            "code": format!("LOAD-{}-{number:06}", self.run),
            "name": random.pick(&self.names),
            "type": KINDS[random.below(KINDS.len())],
            "location_id": self.bed(random),
            "batch_number": format!("26W47-L{:02}", number % 100),
            "quantity": 100 + random.below(5_000),
            "unit": "plant",
            "quality_grade": "first",
            "attributes": { "family": "Lamiaceae", "colour": "blue", "container": "2 L", "pot_size_l": 2.0 },
        })
    }
}

/// Registers new lots.
#[derive(Debug)]
pub(crate) struct Creates {
    pub(crate) api: Api,
    pub(crate) writing: Writing,
    pub(crate) random: Random,
}

impl Job for Creates {
    fn next(&mut self, request: &mut Vec<u8>) -> usize {
        let mut headers = Vec::new();
        self.writing.key(&mut headers);
        let body = self.writing.lot(&mut self.random).to_string();
        self.api.write(request, "POST", "/entities", &headers, body.as_bytes());
        0
    }
}

/// A lot of the run's own, as last answered.
#[derive(Debug)]
struct Own {
    id: String,
    etag: Vec<u8>,
    /// How many times it was changed.
    steps: usize,
}

/// Changes own lots in turn: edits, steps in life or moves.
#[derive(Debug)]
pub(crate) struct Changes {
    operation: Operation,
    api: Api,
    writing: Writing,
    random: Random,
    lots: Vec<Own>,
    turn: usize,
}

impl Changes {
    /// Registers the lots that will be changed.
    pub(crate) async fn prepare(
        operation: Operation,
        api: Api,
        writing: Writing,
        mut random: Random,
    ) -> Result<Self, Failure> {
        let mut connection = Connection::new(api.address);
        let mut request = Vec::new();
        let mut lots = Vec::with_capacity(LOTS);
        while lots.len() < LOTS {
            let mut headers = Vec::new();
            writing.key(&mut headers);
            let body = writing.lot(&mut random).to_string();
            api.write(&mut request, "POST", "/entities", &headers, body.as_bytes());
            let answer = connection.exchange(&request).await?;
            if !answer.is_success() {
                return Err(refused("creating a lot to change", &answer).into());
            }
            let created: Json = serde_json::from_slice(answer.body)?;
            let id = created["id"].as_str().ok_or("a created entity has no id")?.to_owned();
            let etag = match answer.etag {
                Some(etag) => etag.to_vec(),
                None => format!("\"{}\"", created["version"]).into_bytes(),
            };
            lots.push(Own { id, etag, steps: 0 });
        }
        Ok(Self { operation, api, writing, random, lots, turn: 0 })
    }

    fn body(&mut self, steps: usize) -> Json {
        match self.operation {
            Operation::Transition => step(steps),
            Operation::Move => json!({ "location_id": self.writing.bed(&mut self.random) }),
            _ => self.edit(steps),
        }
    }

    /// One field, another one each time.
    fn edit(&mut self, steps: usize) -> Json {
        match steps % 4 {
            0 => json!({ "name": self.random.pick(&self.writing.names) }),
            1 => json!({ "batch_number": format!("26W47-E{:03}", self.random.below(1_000)) }),
            2 => json!({ "supplier_reference": format!("LOT {}", self.random.next() % 100_000) }),
            _ => json!({ "quality_grade": (["extra", "first", "second"][steps / 4 % 3]) }),
        }
    }
}

/// A round that a lot can go for ever: into work, growth, ready for sale, a loss, potted on again.
fn step(steps: usize) -> Json {
    match steps % 4 {
        0 => json!({ "status": "processing" }),
        1 => json!({ "quantity_change": 5 }),
        2 => json!({ "status": "ready" }),
        _ => json!({ "quantity_change": -5, "reason": "frost" }),
    }
}

impl Job for Changes {
    fn next(&mut self, request: &mut Vec<u8>) -> usize {
        self.turn = (self.turn + 1) % self.lots.len();
        let steps = self.lots[self.turn].steps;
        let body = self.body(steps).to_string();
        let lot = &self.lots[self.turn];
        let mut headers = [b"if-match: ", lot.etag.as_slice(), b"\r\n"].concat();
        let (method, path) = match self.operation {
            Operation::Transition => ("POST", format!("/entities/{}/transitions", lot.id)),
            Operation::Move => ("POST", format!("/entities/{}/moves", lot.id)),
            _ => ("PATCH", format!("/entities/{}", lot.id)),
        };
        if method == "POST" {
            self.writing.key(&mut headers);
        }
        self.api.write(request, method, &path, &headers, body.as_bytes());
        0
    }

    fn answered(&mut self, answer: &Answer<'_>) {
        if !answer.is_success() {
            return;
        }
        let lot = &mut self.lots[self.turn];
        lot.steps += 1;
        if let Some(etag) = answer.etag {
            lot.etag.clear();
            lot.etag.extend_from_slice(etag);
        } else {
            let changed: Json = serde_json::from_slice(answer.body).unwrap_or_default();
            lot.etag = format!("\"{}\"", changed["version"]).into_bytes();
        }
    }
}
