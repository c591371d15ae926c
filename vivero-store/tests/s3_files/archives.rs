//! Archives go into an S3 piece by piece, and are there whole or not at all.

use super::server::Server;
use std::sync::Arc;
use vivero_core::copy::{ColumnShape, Extent, Part, TableShape};
use vivero_core::files::FileStore;
use vivero_core::journal::Anchor;
use vivero_core::record::Kind;
use vivero_core::tenant::{OperationType, Plan, Tenant, TenantState};
use vivero_core::{TenantId, Uuid, Value};
use vivero_store::archive::{ArchivePlace, ArchiveWriter, Header, verify};

const ROWS: usize = 24;
const ROW: usize = 1 << 20;

fn header() -> Header {
    let id = TenantId::from_uuid(Uuid::from_u128(7));
    let tenant = Tenant {
        id,
        slug: "acme-plants".parse().expect("a slug"),
        organization: "Acme".into(),
        operation_type: OperationType::Mixed,
        state: TenantState::Active,
        plan: Plan::Contract,
        generation: 1,
        schema_version: 1,
        version: 1,
        created_at: Default::default(),
        neutral: false,
    };
    let extent = Extent {
        engine: "none",
        tenant: id,
        generation: 1,
        head: Anchor { position: 0, hash: [0; 32] },
        journal_seq: 0,
        rows: ROWS as u64,
    };
    let column = |name: &str, kind| ColumnShape { name: name.into(), kind, nullable: false };
    let table = TableShape {
        name: "pictures".into(),
        resource: None,
        columns: vec![column("seq", Kind::Int), column("content", Kind::Bytes)],
    };
    Header::new(Uuid::from_u128(9), Default::default(), &tenant, &extent, &[table])
}

/// Bytes that do not compress.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..ROW / 8).flat_map(|_| next()).collect()
}

fn begin(store: &Arc<dyn FileStore>) -> (ArchivePlace, ArchiveWriter) {
    let name = format!("store:{}-{}", Uuid::from_u128(7).simple(), Uuid::from_u128(9).simple());
    let place = ArchivePlace::stored(&name, Arc::clone(store)).expect("a name");
    assert_eq!(place.name(), name);
    let writer = ArchiveWriter::create(place.clone(), &header(), None, [9; 32]).expect("begun");
    (place, writer)
}

async fn add(writer: &mut ArchiveWriter, rows: std::ops::Range<usize>) {
    for row in rows {
        let values = vec![Value::Int(row as i64), Value::Bytes(noise(row as u64))];
        writer.add(Part { table: 0, rows: vec![values] }).await.expect("added");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_archive_comes_back_and_half_of_one_is_never_there() {
    let server = Server::start().await;
    let store: Arc<dyn FileStore> = Arc::new(server.files());
    let (place, mut writer) = begin(&store);
    add(&mut writer, 0..ROWS / 2).await;
    // Whoever wrote it is gone.
    drop(writer);
    let why = verify(place, None, |_, _| {}).await.expect_err("it is not there");
    assert!(why.to_string().contains("is not in the store of files"), "{why}");

    let (place, mut writer) = begin(&store);
    add(&mut writer, 0..ROWS).await;
    let written = writer.finish().await.expect("stored");
    assert!(written.file_bytes > (ROWS * ROW) as u64, "it does not compress: {written:?}");
    let parts = server.requests().iter().filter(|line| line.contains("partNumber")).count();
    assert!(parts > 1, "it went in parts: {parts}");
    let proof = verify(place, None, |_, _| {}).await.expect("proven");
    assert_eq!((proof.trailer, proof.file_bytes), (written.trailer, written.file_bytes));
}
