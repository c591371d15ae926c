use vivero_core::{Record, RecordId};

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot")]
enum Pot {
    Clay,
    Plastic,
}

#[derive(Debug, Clone, Record)]
#[record(table = "trays", resource = "tray")]
struct Tray(RecordId<Tray>, i64);

#[derive(Debug, Clone, Record)]
#[record(table = "beds", resource = "bed")]
struct Bed<'a, T> {
    id: RecordId<()>,
    name: &'a T,
}

fn main() {}
