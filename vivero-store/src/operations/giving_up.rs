//! Giving up a move of which neither database can be used: the one that the tenant was switched to is lost, and the one
//! before is gone, damaged or lost as well.
//!
//! An operation that is not over keeps the tenant from being restored and its server from being taken off the list. So
//! an operator who knows that both are lost ends it, and the tenant stays on the server it was switched to, as its
//! home: then it is one of the tenants of a lost server, and comes back as they do. Should that server answer after
//! all, the tenant works there. What there is of the database before is kept ([`vivero_core::moves::Moves::give_up`]).

use super::run::{Run, Step};
use super::turning::{Before, GIVEN_UP, Lost, TURNS_BACK};
use super::{illegal, text};
use serde_json::Value as Json;
use vivero_core::operations::OperationState;
use vivero_core::{Error, Result};

/// That an operator has said so, on record before the registry is changed.
pub(super) const GIVES_UP: &str = "give_up";

impl Run<'_> {
    pub(super) async fn give_up(&mut self) -> Step<()> {
        let tenant = self.tenant().await?;
        let before = self.before_elsewhere(&tenant).await?;
        let before = before.ok_or_else(|| Error::corrupt("a move without what was before"))?;
        if let Before::Whole = self.look_at_before(&before).await? {
            return Err(self.before_is_whole().into());
        }
        let lost = self.what_is_lost(&tenant).await?;
        self.unset(TURNS_BACK);
        self.set(GIVEN_UP, lost.0);
        self.set(GIVES_UP, Json::Bool(true));
        self.note().await?;
        self.hook("give/registry").await?;
        let head = self.head()?;
        self.fleet().moves()?.give_up(&self.operation, &tenant, &before, head).await?;
        self.all.announce().await;
        Ok(())
    }

    fn before_is_whole(&self) -> Error {
        let from = text(&self.operation.result, "from").unwrap_or_default();
        let message = format!(
            "the database before is whole, on server {from}: it is not given up. `vivero operation end {} --turn-back` \
             gives the tenant that one back",
            self.operation.id
        );
        illegal("move_switched", message)
    }

    /// Ends the operation.
    pub(super) async fn end_given_up(&mut self) -> Step<()> {
        self.hook("give/end").await?;
        let tenant = self.tenant().await?;
        let server = self.fleet().server_of(&tenant).await?;
        let lost = Lost(self.operation.result.get(GIVEN_UP).cloned().unwrap_or_default());
        let message = format!(
            "given up by an operator: neither database of tenant {} can be used. {}; what was written on it since the \
             switch of {} is {}{}",
            tenant.slug,
            self.restored(&server),
            lost.at(),
            lost.known(),
            self.kept_words().await?
        );
        self.end_failed(message).await
    }

    /// Ends one that was turned back already, to a database that cannot be used any more either.
    pub(super) async fn end_turned_lost(&mut self, why: &str) -> Step<()> {
        let tenant = self.tenant().await?;
        let server = self.fleet().server_of(&tenant).await?;
        let message = format!(
            "given up by an operator after it was turned back: the database before cannot be used either ({}). {}{}",
            why,
            self.restored(&server),
            self.kept_words().await?
        );
        self.end_failed(message).await
    }

    /// Where the tenant is, and how it comes back.
    fn restored(&self, server: &str) -> String {
        let slug = &self.operation.slug;
        format!(
            "It is on server {server}, and in service if that answers after all. If that is lost for good: `vivero \
             server remove {server} --lost`, then `vivero tenant restore {slug} --archive FILE`. If that tenant's \
             database alone is: `vivero tenant restore {slug} --archive FILE --replace`"
        )
    }

    /// What is kept of this operation's.
    pub(super) async fn kept_words(&self) -> Result<String> {
        let kept = self.fleet().kept(Some(self.operation.tenant)).await?;
        let kept = kept.iter().find(|kept| kept.operation == self.operation.id);
        Ok(kept.map_or_else(String::new, |kept| {
            format!(
                ". The database {} on server {} is kept: nothing removes it but `vivero server remove-kept {} {}`",
                kept.database, kept.server, kept.server, kept.database
            )
        }))
    }

    pub(super) async fn end_failed(&mut self, message: String) -> Step<()> {
        self.operation.message = Some(message);
        self.operation.state = OperationState::Failed;
        self.note().await?;
        Ok(())
    }
}
