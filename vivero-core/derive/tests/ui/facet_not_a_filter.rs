use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot", facets(kind, colour, shape, colour))]
struct Pot {
    id: RecordId<Self>,
    kind: String,
    #[record(filter)]
    colour: String,
}

fn main() {}
