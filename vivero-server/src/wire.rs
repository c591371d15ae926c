//! What goes over the wire. These types are the contract; domain types never leave the process as
//! they are. serde reads and writes them, the `Object` derive on the same struct describes them.

pub(crate) mod auth;
pub(crate) mod change;
pub(crate) mod dashboard;
pub(crate) mod drain;
pub(crate) mod entity;
pub(crate) mod file;
pub(crate) mod journal;
pub(crate) mod location;
pub(crate) mod me;
pub(crate) mod migration;
pub(crate) mod operation;
pub(crate) mod role;
pub(crate) mod schema;
pub(crate) mod server;
pub(crate) mod stamp;
pub(crate) mod tenant;
#[cfg(test)]
mod tests;
pub(crate) mod usage;
pub(crate) mod user;
pub(crate) mod word;

pub(crate) use change::{Change, present};
pub(crate) use stamp::Stamp;
pub(crate) use word::Word;

/// Defines a page of a list: `{items, next_cursor?, total?}`.
macro_rules! page_type {
    ($(#[$doc:meta])* $name:ident of $item:ty, from $stored:ty) => {
        $(#[$doc])*
        #[derive(Debug, serde::Serialize, poem_openapi::Object)]
        pub(crate) struct $name {
            /// The rows.
            pub(crate) items: Vec<$item>,
            /// Give this as `cursor` for the next page; absent on the last.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[oai(skip_serializing_if_is_none)]
            pub(crate) next_cursor: Option<String>,
            /// How many rows match in all, if `total=true` asked for it.
            #[serde(skip_serializing_if = "Option::is_none")]
            #[oai(skip_serializing_if_is_none, validator(minimum(value = "0")))]
            pub(crate) total: Option<u64>,
        }
        impl From<vivero_core::PageOf<$stored>> for $name {
            fn from(page: vivero_core::PageOf<$stored>) -> Self {
                Self {
                    items: page.items.into_iter().map(<$item>::from).collect(),
                    next_cursor: page.next_cursor,
                    total: page.total,
                }
            }
        }
    };
}
pub(crate) use page_type;
