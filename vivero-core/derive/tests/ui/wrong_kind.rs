use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot", owner = "maker")]
struct Pot {
    id: RecordId<Self>,
    maker: String,
}

#[derive(Debug, Clone, Record)]
#[record(table = "trays", resource = "tray")]
struct Tray {
    id: RecordId<Self>,
    #[record(sum)]
    colour: String,
}

#[derive(Debug, Clone, Record)]
#[record(table = "beds", resource = "bed")]
struct Bed {
    id: Option<RecordId<Self>>,
}

fn main() {}
