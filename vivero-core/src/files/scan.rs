//! Looking for malware, by whatever can.

use super::download::Download;
use crate::error::Result;
use async_trait::async_trait;
use std::fmt::Debug;

/// What a scanner says of a file it has seen to the last byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was found.
    Clean,
    /// Something was found: the file must not be kept.
    Infected {
        /// What it is called, in the scanner's words.
        signature: String,
    },
}

/// A malware scanner.
///
/// Contract: [`Verdict::Clean`] only after the scanner has taken the whole content and said so.
/// Whatever else happens is an error, and an error never lets a file in: away, slow or overloaded is
/// [`crate::Error::Unavailable`]; a file larger than it can look through is [`crate::Error::Invalid`]
/// on `file` with rule `scan_size`.
#[async_trait]
pub trait Scanner: Send + Sync + Debug {
    /// Looks through a file.
    async fn scan(&self, file: Download) -> Result<Verdict>;
    /// Whether it answers.
    async fn ping(&self) -> Result<()>;
}
