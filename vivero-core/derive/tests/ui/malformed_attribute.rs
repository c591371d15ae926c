use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = pots, resource = "pot", validate = "check", facets = "kind")]
#[record(table = "pots")]
struct Pot {
    #[record(filter)]
    id: RecordId<Self>,
    #[record(max = "64", filter, filter)]
    kind: String,
    #[record(max = 0, sort = true)]
    colour: String,
    #[record]
    shape: String,
}

fn main() {}
