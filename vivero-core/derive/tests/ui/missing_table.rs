use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(resource = "pot")]
struct Pot {
    id: RecordId<Self>,
    litres: i64,
}

#[derive(Debug, Clone, Record)]
struct Tray {
    id: RecordId<Self>,
}

fn main() {}
