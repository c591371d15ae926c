//! A tenant between two database servers: moved to another and switched to it, with the database before still there.
//!
//! From the switch until the database before is removed there are two that may be the tenant's, on two servers, either
//! of which may be lost. What decides between them is here, apart from [`crate::port::Fleet`]: engines that know one
//! server only have none of it.

use crate::error::Result;
use crate::journal::Anchor;
use crate::operations::{Operation, TenantChange};
use crate::tenant::Tenant;
use async_trait::async_trait;

/// How far the chain of a database goes, held against an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It lacks the anchor, or has another entry in its place.
    Short,
    /// It ends with the anchor.
    Exact,
    /// It has the anchor, and goes on.
    Beyond,
}

/// What an engine with several servers does about moves that were switched.
///
/// Contract: of those who would remove the database before, give it back or keep it, one goes first and the others find
/// that, however long any of them was frozen in between. Each change asks first whether the operation still is the
/// caller's (`operation_overtaken` otherwise).
#[async_trait]
pub trait Moves: Send + Sync {
    /// How far the database of `tenant` goes, which need not be the one it has now. It is only read, by the server's
    /// administrator: it may be fenced, without an account, or of another version of this program.
    ///
    /// Errors: [`crate::Error::Unavailable`] if its server does not answer, others for a database that is gone, damaged
    /// or another's.
    async fn reach(&self, tenant: &Tenant, anchor: Anchor) -> Result<Reach>;
    /// Removes the database that a move has replaced, with the account that worked in it. With `abandon` it is noted
    /// to be removed later if its server does not answer: that server's name.
    async fn remove_replaced(
        &self,
        operation: &Operation,
        generation: i64,
        abandon: bool,
    ) -> Result<Option<String>>;
    /// Gives a tenant that was moved to another server the database it had before: its row as `change` says, its home,
    /// and a note of the database it leaves, in one transaction. The one it leaves stays where it is, see
    /// [`crate::server::KeptDatabase`]. An account that is missing is made anew; the fence stays.
    ///
    /// Errors: [`crate::Error::Illegal`] `move_cleaned` if its generation is on no other server than its home, and
    /// `database_before` if the database before does not end with the anchor of `change`;
    /// [`crate::Error::Unavailable`] while another removes it.
    async fn turn_back(
        &self,
        operation: &Operation,
        tenant: &Tenant,
        change: &TenantChange,
    ) -> Result<Tenant>;
    /// Lets people write to the database that a tenant was given back.
    async fn lift_fence(&self, tenant: &Tenant) -> Result<()>;
    /// Leaves a tenant on the server it was moved to, which becomes its home, though nothing may be there any more;
    /// what there is of the database `before` is kept, in the same transaction.
    ///
    /// Errors: [`crate::Error::Illegal`] `move_cleaned` as for [`Moves::turn_back`], and `move_switched` if the database
    /// before ends with `head`; [`crate::Error::Unavailable`] while another removes it.
    async fn give_up(
        &self,
        operation: &Operation,
        tenant: &Tenant,
        before: &Tenant,
        head: Anchor,
    ) -> Result<Tenant>;
}
