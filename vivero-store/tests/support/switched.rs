//! A move to a server of the tests' own that is cut off after the tenant was switched to it.

use crate::mortal::{Mortal, moving};
use crate::tenants::{Ground, tenant};
use chrono::TimeDelta;
use vivero_core::operations::{NewOperation, Operation};

pub(crate) const SLUG: &str = "acme-plants";

/// Another tenant beside the one with 20 lots that is to be moved, and the second server.
pub(crate) async fn with_second(mortal: &Mortal) -> Ground {
    let ground = Ground::new().await;
    ground.vivero.tenants().provision(tenant("beta-growers")).await.expect("another");
    ground.vivero.servers().add(mortal.listed()).await.expect("added");
    ground.fill(SLUG, 20).await;
    ground
}

/// The tenant is being moved to the second server, with the process cut off before a step.
pub(crate) async fn moved_up_to(mortal: &Mortal, step: &'static str) -> (Ground, Operation) {
    let ground = with_second(mortal).await;
    let asked = cut_off(&ground, moving("second"), step).await;
    (ground, asked)
}

/// A move that is cut off before a step, and whose lease has ended.
pub(crate) async fn cut_off(ground: &Ground, what: NewOperation, step: &'static str) -> Operation {
    let asked = ground.ask(what).await.expect("asked");
    ground.hook.stop_before(step);
    let outcome = ground.vivero.operations().run(asked.id).await;
    assert_eq!(ground.hook.stopped_at().as_deref(), Some(step), "{outcome:?}");
    ground.clock.advance(TimeDelta::seconds(60));
    asked
}
