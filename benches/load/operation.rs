//! What can be measured.

use clap::ValueEnum;

/// One kind of request, or one mix of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Operation {
    /// One entity by id.
    Get,
    /// First page of 50: every combination of filters in every sort.
    List,
    /// A page of 50 at about the 1,000th.
    ListDeep,
    /// First page of 50, no filter, newest first.
    ListPlain,
    /// Like `list`, with the total.
    ListTotal,
    /// Full-text search, first page of 50.
    Search,
    /// The dashboard's figures.
    Dashboard,
    /// A new entity, durably stored.
    Create,
    /// One field of one of the run's own entities.
    Update,
    /// A step in the life of one of the run's own entities.
    Transition,
    /// One of the run's own entities to another place.
    Move,
    /// Sign-in with a password.
    Login,
    /// Rotation of a refresh token.
    Refresh,
}

impl Operation {
    /// What is measured when nothing is said: everything but signing in, which hashes passwords.
    pub(crate) const DEFAULT: [Self; 11] = [
        Self::Get,
        Self::List,
        Self::ListDeep,
        Self::ListPlain,
        Self::ListTotal,
        Self::Search,
        Self::Dashboard,
        Self::Create,
        Self::Update,
        Self::Transition,
        Self::Move,
    ];

    /// Its name on the command line and in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::ListDeep => "list_deep",
            Self::ListPlain => "list_plain",
            Self::ListTotal => "list_total",
            Self::Search => "search",
            Self::Dashboard => "dashboard",
            Self::Create => "create",
            Self::Update => "update",
            Self::Transition => "transition",
            Self::Move => "move",
            Self::Login => "login",
            Self::Refresh => "refresh",
        }
    }

    /// Whether it works on entities that the run must create first.
    pub(crate) const fn needs_own_lots(self) -> bool {
        matches!(self, Self::Update | Self::Transition | Self::Move)
    }
}
