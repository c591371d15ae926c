use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot", owner = "maker", location = "bed")]
struct Pot {
    id: RecordId<Self>,
    litres: i64,
}

fn main() {}
