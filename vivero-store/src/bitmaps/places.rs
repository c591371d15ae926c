//! The tree of places: which are below one.

use std::collections::HashMap;
use std::ops::Range;
use uuid::Uuid;

/// Places in the order of their paths: those below one follow it.
#[derive(Debug, Default)]
pub(super) struct Places {
    ids: Vec<Uuid>,
    /// Where each stands, and where those below it end.
    ranges: HashMap<Uuid, (u32, u32)>,
}

impl Places {
    /// From ids and paths. A path ends with `/`, and begins with that of the place above.
    pub(super) fn new(mut places: Vec<(Uuid, String)>) -> Self {
        places.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        let mut ranges = HashMap::with_capacity(places.len());
        for (i, (id, path)) in places.iter().enumerate() {
            let below = places[i..].partition_point(|(_, other)| other.starts_with(path.as_str()));
            let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            ranges.insert(*id, (number(i), number(i + below)));
        }
        Self { ids: places.into_iter().map(|(id, _)| id).collect(), ranges }
    }

    /// A place and all below it; none if there is no such place.
    pub(super) fn below(&self, root: Uuid) -> &[Uuid] {
        let Range { start, end } = self.range(root);
        self.ids.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Where a place and those below it stand.
    pub(super) fn range(&self, root: Uuid) -> Range<u32> {
        let (from, to) = self.ranges.get(&root).copied().unwrap_or_default();
        from..to
    }

    /// Where a place stands itself.
    pub(super) fn position(&self, id: Uuid) -> Option<u32> {
        self.ranges.get(&id).map(|(at, _)| *at)
    }

    pub(super) fn is_below(&self, id: Uuid, root: Uuid) -> bool {
        self.position(id).is_some_and(|at| self.range(root).contains(&at))
    }

    pub(super) fn bytes(&self) -> usize {
        self.ids.capacity() * 16 + self.ranges.capacity() * 32
    }
}
