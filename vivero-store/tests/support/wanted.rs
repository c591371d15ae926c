//! A tenant as tests ask a fleet for one.

use vivero_core::clock::{IdSource as _, SeededIds};
use vivero_core::port::Provision;
use vivero_core::tenant::{OperationType, Plan};
use vivero_core::{Clock as _, TenantId};
use vivero_store::SystemClock;

/// A tenant of that name, whose identity follows from both.
pub(crate) fn wanted(n: usize, slug: &str) -> Provision {
    let at = SystemClock.now();
    let seed = slug.bytes().fold(n as u64, |seed, byte| seed.wrapping_mul(31) + u64::from(byte));
    Provision {
        id: TenantId::from_uuid(SeededIds::new(seed).id(at)),
        slug: slug.parse().expect("a slug"),
        organization: slug.into(),
        operation_type: OperationType::Mixed,
        plan: Plan::Contract,
        at,
        key: None,
        fingerprint: None,
        seed: Vec::new(),
        entries: Vec::new(),
    }
}
