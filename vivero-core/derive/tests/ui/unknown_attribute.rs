use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot", tabel = "pots")]
struct Pot {
    id: RecordId<Self>,
    #[record(filter, indexed)]
    litres: i64,
}

fn main() {}
