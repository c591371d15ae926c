//! The life of an entity, as data.
//!
//! | From | To |
//! |---|---|
//! | registered | processing, on_hold, destroyed |
//! | processing | ready, on_hold, destroyed |
//! | ready | processing, completed, on_hold, destroyed |
//! | completed | archived, on_hold, destroyed |
//! | on_hold | the status before the hold, destroyed |
//! | destroyed | archived |
//! | archived | nothing |
//!
//! Ready goes back to processing when stock that was not sold is potted on.

use super::{Entity, MAX_QUANTITY, Transition};
use crate::error::{Check, Error, Result};
use crate::text_enum;

text_enum! {
    /// Where an entity is in its life.
    pub enum Status {
        /// Known, not yet worked on.
        Registered = "registered",
        /// Growing.
        Processing = "processing",
        /// Fit for sale.
        Ready = "ready",
        /// Sold or used up.
        Completed = "completed",
        /// Kept for the record.
        Archived = "archived",
        /// Must not be moved on, sold or shipped until released.
        OnHold = "on_hold",
        /// Condemned or lost.
        Destroyed = "destroyed",
    }
}

text_enum! {
    /// How far stock has grown.
    pub enum Stage {
        /// Sown, stuck or grafted.
        Propagation = "propagation",
        /// Making roots.
        Rooting = "rooting",
        /// Growing on to size.
        GrowingOn = "growing_on",
        /// Being made fit for outdoors.
        Hardening = "hardening",
        /// At sales size.
        Finished = "finished",
    }
}

/// The transition table: every allowed pair. Release of a hold is [`release`] instead, because it
/// depends on the status before.
pub const TRANSITIONS: &[(Status, &[Status])] = &[
    (Status::Registered, &[Status::Processing, Status::OnHold, Status::Destroyed]),
    (Status::Processing, &[Status::Ready, Status::OnHold, Status::Destroyed]),
    (Status::Ready, &[Status::Processing, Status::Completed, Status::OnHold, Status::Destroyed]),
    (Status::Completed, &[Status::Archived, Status::OnHold, Status::Destroyed]),
    (Status::OnHold, &[Status::Destroyed]),
    (Status::Destroyed, &[Status::Archived]),
    (Status::Archived, &[]),
];

/// The statuses `entity` can go to now.
#[must_use]
pub fn next(status: Status, held_from: Option<Status>) -> Vec<Status> {
    let mut next: Vec<Status> = TRANSITIONS
        .iter()
        .find(|(from, _)| *from == status)
        .map_or_else(Vec::new, |(_, to)| to.to_vec());
    next.extend(release(status, held_from));
    next
}

/// Where a hold leads back to.
#[must_use]
pub fn release(status: Status, held_from: Option<Status>) -> Option<Status> {
    if status == Status::OnHold { held_from } else { None }
}

impl Transition {
    /// Applies the step to `entity`, or says which rule it breaks.
    pub fn apply(&self, entity: &mut Entity) -> Result<()> {
        let mut check = Check::new();
        if self.status.is_none() && self.stage.is_none() && self.quantity_change.is_none() {
            check.fail("status", "required", "one of status, stage and quantity_change is needed");
        }
        check.optional_text("reason", self.reason.as_deref(), 500);
        let back = self.stage.is_some_and(|to| to < entity.stage);
        let loss = self.quantity_change.is_some_and(|q| q < 0);
        let grave = matches!(self.status, Some(Status::OnHold | Status::Destroyed));
        if self.reason.is_none() && (back || loss || grave) {
            check.fail(
                "reason",
                "required",
                "is needed for a hold, a destruction, a step back and a loss",
            );
        }
        let quantity = entity.quantity.checked_add(self.quantity_change.unwrap_or(0)).unwrap_or(-1);
        if !(0..=MAX_QUANTITY).contains(&quantity) {
            check.fail(
                "quantity_change",
                "balance",
                format!("must leave 0 to {MAX_QUANTITY}; there are {}", entity.quantity),
            );
        }
        check.done()?;
        // Decided in full before anything is written: a refused step leaves the entity as it is.
        let (status, held_from) = match self.status {
            Some(to) => go(entity, to)?,
            None => (entity.status, entity.held_from),
        };
        if self.stage.is_some()
            && matches!(status, Status::Archived | Status::Destroyed | Status::OnHold)
        {
            return Err(illegal(format!("stock that is {status} does not grow")));
        }
        if self.quantity_change.is_some() && status == Status::Archived {
            return Err(illegal("archived stock is not counted any more".into()));
        }
        entity.status = status;
        entity.held_from = held_from;
        entity.stage = self.stage.unwrap_or(entity.stage);
        entity.quantity = quantity;
        Ok(())
    }
}

/// The status after going to `to`, with the one to come back to if that is a hold.
fn go(entity: &Entity, to: Status) -> Result<(Status, Option<Status>)> {
    let allowed = next(entity.status, entity.held_from);
    if !allowed.contains(&to) {
        let allowed: Vec<_> = allowed.iter().map(|s| s.as_str()).collect();
        let can = if allowed.is_empty() { "nothing".to_owned() } else { allowed.join(", ") };
        return Err(illegal(format!("{} cannot become {to}; it can become {can}", entity.status)));
    }
    Ok((to, (to == Status::OnHold).then_some(entity.status)))
}

fn illegal(message: String) -> Error {
    Error::Illegal { code: "transition_not_allowed", message }
}
