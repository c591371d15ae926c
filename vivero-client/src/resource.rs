//! What the resources of a tenant have in common.

/// What a write carries in its headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Conditions {
    pub(crate) key: Option<String>,
    pub(crate) version: Option<String>,
}

impl Conditions {
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

/// A version as `If-Match` carries it.
pub(crate) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

/// Defines a handle for the operations of one resource.
macro_rules! resource {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name<'a> {
            tenant: &'a crate::TenantClient,
            with: crate::resource::Conditions,
        }

        impl<'a> $name<'a> {
            pub(crate) fn new(tenant: &'a crate::TenantClient) -> Self {
                Self { tenant, with: crate::resource::Conditions::default() }
            }
            /// Uses this `Idempotency-Key` for the write instead of a fresh one: the same write under
            /// the same key is done once, also if this program starts anew in between. 1 to 200
            /// visible ASCII characters.
            #[must_use]
            pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
                self.with.key = Some(key.into());
                self
            }
            /// Lets a command succeed only if the record is at this version; a 409 otherwise.
            #[must_use]
            pub fn expecting(mut self, version: i64) -> Self {
                self.with.version = Some(crate::resource::etag(version));
                self
            }
        }
    };
}
pub(crate) use resource;

/// Adds to a list request what all of them have.
macro_rules! listed {
    ($request:ident, $page:ty, $item:ty) => {
        impl $request {
            /// Only what has all these words.
            pub fn q(mut self, words: impl Into<String>) -> Self {
                self.q = Some(words.into());
                self
            }
            /// The field to sort by; `-` in front for descending.
            pub fn sort(mut self, field: impl Into<String>) -> Self {
                self.sort = Some(field.into());
                self
            }
            /// Rows of a page, 1 to 200; 50 if not said.
            pub const fn limit(mut self, rows: u32) -> Self {
                self.limit = Some(rows);
                self
            }
            /// Goes on where a page ended: its `next_cursor`, with the same sort.
            pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
                self.cursor = Some(cursor.into());
                self
            }
            /// Also counts all rows that match.
            pub const fn total(mut self) -> Self {
                self.total = Some(true);
                self
            }
            /// All rows that match, page after page. An error ends the stream.
            pub fn stream(self) -> futures_util::stream::BoxStream<'static, crate::Result<$item>> {
                crate::pages::rows(self, |request| async move {
                    let page: $page = request.clone().send().await?;
                    let next = page.next_cursor.map(|cursor| {
                        let mut next = request.cursor(cursor);
                        next.total = None;
                        next
                    });
                    Ok((page.items, next))
                })
            }
        }
    };
}
pub(crate) use listed;
