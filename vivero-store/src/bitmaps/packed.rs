//! Numbers by row, each in as many bytes as the largest of them needs.

/// Bytes behind the last number, so that any is read as eight.
const MARGIN: usize = 8;

/// A number of each row; 0 where none was set.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// Bytes of a number.
    width: usize,
    bytes: Vec<u8>,
}

/// The bytes a number needs.
const fn width(number: u64) -> usize {
    (71 - number.leading_zeros() as usize) / 8
}

impl Packed {
    pub(super) fn get(&self, row: u32) -> u64 {
        let from = row as usize * self.width;
        let Some((bytes, _)) = self.bytes.get(from..).and_then(<[u8]>::split_first_chunk::<MARGIN>)
        else {
            return 0;
        };
        let all = u64::from_le_bytes(*bytes);
        let unused = 64 - self.width * 8;
        // Of no bytes at all, nothing is left.
        if unused == 64 { 0 } else { all << unused >> unused }
    }

    pub(super) fn set(&mut self, row: u32, number: u64) {
        let needed = width(number);
        if needed > self.width {
            self.widen(needed);
        }
        let from = row as usize * self.width;
        let length = from + self.width + MARGIN;
        if length > self.bytes.len() {
            if number == 0 {
                return;
            }
            if length > self.bytes.capacity() {
                // Doubling would have half of it lie idle.
                let more = length - self.bytes.len() + length / 8;
                self.bytes.reserve_exact(more);
            }
            self.bytes.resize(length, 0);
        }
        self.bytes[from..from + self.width].copy_from_slice(&number.to_le_bytes()[..self.width]);
    }

    /// How many numbers there may be.
    fn rows(&self) -> usize {
        self.bytes.len().saturating_sub(MARGIN).checked_div(self.width).unwrap_or(0)
    }

    fn widen(&mut self, width: usize) {
        let rows = self.rows();
        let mut wider = Self { width, bytes: vec![0; rows * width + MARGIN] };
        for row in (0..rows).filter_map(|row| u32::try_from(row).ok()) {
            wider.set(row, self.get(row));
        }
        *self = wider;
    }

    /// Gives each row another number.
    pub(super) fn change(&mut self, change: impl Fn(u64) -> u64) {
        for row in (0..self.rows()).filter_map(|row| u32::try_from(row).ok()) {
            self.set(row, change(self.get(row)));
        }
    }

    pub(super) fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }

    pub(super) const fn bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

/// Numbers that are near one another, however large, or none. Every number but 0 can be kept, which stands
/// for none.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// What the others are near to.
    first: Option<u64>,
    packed: Packed,
}

/// How far one is from another, in either direction: the nearer, the smaller.
const fn far(number: u64, from: u64) -> u64 {
    let distance = number.wrapping_sub(from).cast_signed();
    ((distance << 1) ^ (distance >> 63)).cast_unsigned()
}

const fn at(far: u64, from: u64) -> u64 {
    let distance = (far >> 1).cast_signed() ^ -((far & 1).cast_signed());
    from.wrapping_add(distance.cast_unsigned())
}

impl Near {
    pub(super) fn get(&self, row: u32) -> u64 {
        let first = self.first.unwrap_or(0);
        // 0 is written as 0, and what is nearer than it would be as one more.
        match self.packed.get(row) {
            0 => 0,
            written if written <= far(0, first) => at(written - 1, first),
            written => at(written, first),
        }
    }

    pub(super) fn set(&mut self, row: u32, number: u64) {
        if number == 0 {
            return self.packed.set(row, 0);
        }
        let first = *self.first.get_or_insert(number);
        let far_off = far(number, first);
        self.packed.set(row, if far_off < far(0, first) { far_off + 1 } else { far_off });
    }

    pub(super) fn shrink(&mut self) {
        self.packed.shrink();
    }

    pub(super) const fn bytes(&self) -> usize {
        self.packed.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn number() -> impl Strategy<Value = u64> {
        let edges =
            prop::sample::select(vec![0, 1, 1 << 63, (1 << 63) - 1, (1 << 63) + 1, u64::MAX]);
        prop_oneof![0..300_u64, any::<u64>(), (0..64_u32).prop_map(|n| 1 << n), edges]
    }

    proptest! {
        #[test]
        fn numbers_are_what_was_set(sets in prop::collection::vec((0..60_u32, number()), 0..80)) {
            let (mut packed, mut near) = (Packed::default(), Near::default());
            let mut model = HashMap::new();
            for (row, number) in sets {
                packed.set(row, number);
                near.set(row, number);
                model.insert(row, number);
                for row in 0..62 {
                    let wanted = model.get(&row).copied().unwrap_or(0);
                    prop_assert_eq!((packed.get(row), near.get(row)), (wanted, wanted));
                }
            }
            packed.change(|number| number / 3);
            for (row, number) in model {
                prop_assert_eq!(packed.get(row), number / 3);
            }
        }
    }

    #[test]
    fn what_is_near_takes_few_bytes() {
        let mut near = Near::default();
        for row in 0..1_000 {
            near.set(row, u64::MAX / 2 + u64::from(row));
        }
        near.set(1_000, 0);
        assert!(near.bytes() < 2_500, "{} bytes", near.bytes());
    }
}
