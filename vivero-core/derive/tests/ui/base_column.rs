use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot")]
struct Pot {
    id: RecordId<Self>,
    version: i64,
    search_text: String,
    _litres: i64,
}

fn main() {}
