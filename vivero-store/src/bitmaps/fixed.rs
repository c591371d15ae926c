//! Texts in order, for good, in few bytes each: numbered codes hardly differ from one another.

use super::Unfit;
use fst::{IntoStreamer as _, Map, MapBuilder, Streamer as _};
use std::ops::Range;

/// Texts, numbered by their places in the order of their bytes.
#[derive(Debug, Default)]
pub(super) struct Fixed {
    map: Option<Map<Vec<u8>>>,
    length: u32,
}

impl Fixed {
    /// Of texts that are in order, none twice.
    pub(super) fn new<'t>(texts: impl Iterator<Item = &'t [u8]>) -> Result<Self, Unfit> {
        let mut builder = MapBuilder::memory();
        let mut length = 0_u32;
        for text in texts {
            builder.insert(text, length.into()).map_err(|_| Unfit)?;
            length = length.checked_add(1).ok_or(Unfit)?;
        }
        let mut bytes = builder.into_inner().map_err(|_| Unfit)?;
        bytes.shrink_to_fit();
        Ok(Self { map: Some(Map::new(bytes).map_err(|_| Unfit)?), length })
    }

    pub(super) const fn len(&self) -> u32 {
        self.length
    }

    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        self.map.as_ref()?.get(text).and_then(|number| u32::try_from(number).ok())
    }

    /// How many texts come before this one, and whether it is there itself.
    pub(super) fn seek(&self, text: &[u8]) -> (u32, bool) {
        let Some(map) = &self.map else { return (0, false) };
        let mut from = map.range().ge(text).into_stream();
        from.next().map_or((self.length, false), |(found, number)| {
            (u32::try_from(number).unwrap_or(self.length), found == text)
        })
    }

    /// The texts that begin so.
    pub(super) fn beginning(&self, text: &[u8]) -> Range<u32> {
        let from = self.seek(text).0;
        from..behind(text).map_or(self.length, |next| self.seek(&next).0)
    }

    pub(super) fn bytes(&self) -> usize {
        self.map.as_ref().map_or(0, |map| map.as_fst().as_bytes().len())
    }
}

/// The first text behind all that begin so; `None` if there is none.
fn behind(text: &[u8]) -> Option<Vec<u8>> {
    let (at, last) = text.iter().enumerate().rfind(|(_, byte)| **byte < u8::MAX)?;
    let mut next = text[..at].to_vec();
    next.push(last + 1);
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn texts_are_found_where_they_are(
            texts in prop::collection::btree_set(prop::collection::vec(prop_oneof![0..3_u8, 253..=255_u8], 0..4), 0..40),
            asked in prop::collection::vec(prop_oneof![0..3_u8, 253..=255_u8], 0..4),
        ) {
            let texts: BTreeSet<Vec<u8>> = texts;
            let fixed = Fixed::new(texts.iter().map(Vec::as_slice)).expect("they are in order");
            let all: Vec<&Vec<u8>> = texts.iter().collect();
            let before = all.partition_point(|text| **text < asked);
            let there = texts.contains(&asked);
            prop_assert_eq!(fixed.seek(&asked), (u32::try_from(before).unwrap(), there));
            prop_assert_eq!(fixed.find(&asked).is_some(), there);
            let begin: Vec<usize> = fixed.beginning(&asked).map(|n| n as usize).collect();
            let wanted: Vec<usize> = (0..all.len()).filter(|n| all[*n].starts_with(&asked)).collect();
            prop_assert_eq!(begin, wanted);
        }
    }
}
