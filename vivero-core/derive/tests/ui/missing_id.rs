use vivero_core::Record;

#[derive(Debug, Clone, Record)]
#[record(table = "pots", resource = "pot")]
struct Pot {
    litres: i64,
}

fn main() {}
