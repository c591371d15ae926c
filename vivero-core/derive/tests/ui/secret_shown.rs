use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot")]
struct Pot {
    id: RecordId<Self>,
    #[record(search, secret, sort, filter)]
    token: String,
}

fn main() {}
