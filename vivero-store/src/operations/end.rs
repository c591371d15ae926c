//! Ending an operation that cannot go on because a database server is gone.

use super::run::{Claimed, Run, Step, Stopped, describe, steps};
use super::turning::{Asked, Switched};
use super::{FleetOperations, text};
use serde_json::Value as Json;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use vivero_core::operations::{Consent, Operation, OperationState};
use vivero_core::{Error, Result};

/// Servers try again every few seconds what cannot go on: so long it is waited for a moment between two tries.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

impl FleetOperations {
    pub(super) async fn end_it(&self, id: Uuid, consent: Consent) -> Result<Operation> {
        let until = Instant::now() + PATIENCE;
        loop {
            let found = self.fleet.book().find_operation(id).await?;
            let asked = found.ok_or_else(|| Error::not_found("operation"))?;
            if asked.state.is_over() {
                return Ok(asked);
            }
            match self.hold(&asked).await {
                Ok(mine) => {
                    let outcome = match self.claim(id, &mine.lease).await {
                        Ok(Claimed::Over(operation)) => Ok(*operation),
                        Ok(Claimed::Open(run)) => run.end(Asked::Now(consent)).await,
                        Err(error) => Err(error.into()),
                    };
                    return self.give_back(mine, outcome).await;
                }
                Err(Error::Unavailable { .. }) if Instant::now() < until => {}
                Err(error) => return Err(error),
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Where it is on record that an operation is to end: whoever goes on with it, ends it.
const ENDING: &str = "ending";

impl Run<'_> {
    /// Whether somebody asked for its end, and was cut off.
    pub(super) fn is_to_end(&self) -> bool {
        self.operation.result.get(ENDING) == Some(&Json::Bool(true))
    }

    pub(super) async fn end(mut self, asked: Asked) -> Step<Operation> {
        match self.look_at_switched(asked).await? {
            Switched::Whole => {}
            Switched::Turn => {
                // Whoever goes on with it ends it, too.
                self.set(ENDING, Json::Bool(true));
                let turned = self.turn_back().await;
                return self.turned(turned, asked).await;
            }
            Switched::Turned => return self.turned(Ok(()), asked).await,
            Switched::GiveUp => {
                self.set(ENDING, Json::Bool(true));
                let given = self.give_up().await;
                return self.given_up(given, asked).await;
            }
            Switched::GivenUp => return self.given_up(Ok(()), asked).await,
        }
        self.ending = true;
        self.set(ENDING, Json::Bool(true));
        self.note().await?;
        let step = self.operation.step.clone();
        let (_, after) = steps(self.operation.kind);
        if after.contains(&step.as_str()) || self.is_switched().await? {
            return self.go_on().await;
        }
        let at = if step.is_empty() { "before it began".into() } else { format!("at step {step}") };
        self.begin_anew().await?;
        if let Err(error) = self.undo().await {
            let id = self.operation.id;
            self.operation.message = Some(format!(
                "{at}: it cannot be ended: {}. Go on with `vivero operation resume {id}` when that is mended",
                describe(&error)
            ));
            self.note().await?;
            return Err(Stopped::Failed(error));
        }
        let left = text(&self.operation.result, "left_on").map(|server| {
            format!(
                "; what database server {server} holds of it is removed when that answers again"
            )
        });
        self.operation.message = Some(format!(
            "ended by an operator {at}. Nothing was changed{}",
            left.unwrap_or_default()
        ));
        self.operation.state = OperationState::Failed;
        self.operation.step = step;
        self.note().await?;
        Ok(self.operation)
    }

    /// Ends what is turned back. One that was, to a database that is lost meanwhile, can be given up.
    async fn turned(mut self, outcome: Step<()>, asked: Asked) -> Step<Operation> {
        let outcome = match outcome {
            Ok(()) => match self.end_turned().await {
                Err(Stopped::Failed(error)) if asked == Asked::Now(Consent::GiveUp) => {
                    let (tenant, why) = (self.tenant().await?, describe(&error));
                    self.is_gone(&tenant, error).await?;
                    self.end_turned_lost(&why).await
                }
                ended => ended,
            },
            failed => failed,
        };
        self.over(outcome, asked, "turned back").await
    }

    /// Ends what is given up.
    async fn given_up(mut self, outcome: Step<()>, asked: Asked) -> Step<Operation> {
        let outcome = match outcome {
            Ok(()) => self.end_given_up().await,
            failed => failed,
        };
        self.over(outcome, asked, "given up").await
    }

    /// What keeps it from its end is said to the operator who asks; whoever goes on with it by itself notes it, and
    /// leaves it to its next try.
    async fn over(mut self, outcome: Step<()>, asked: Asked, what: &str) -> Step<Operation> {
        match outcome {
            Err(Stopped::Failed(error)) if asked == Asked::Before => {
                self.operation.message =
                    Some(format!("it cannot be {what} now: {}", describe(&error)));
                self.note().await?;
            }
            outcome => outcome?,
        }
        Ok(self.operation)
    }
}
