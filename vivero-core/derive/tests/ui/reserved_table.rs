use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "journal", resource = "Pot")]
struct Pot {
    id: RecordId<Self>,
}

#[derive(Debug, Clone, Record)]
#[record(table = "vivero_pots", resource = "")]
struct Tray {
    id: RecordId<Self>,
}

#[derive(Debug, Clone, Record)]
#[record(table = "pots; drop", resource = "1pot")]
struct Bed {
    id: RecordId<Self>,
}

fn main() {}
