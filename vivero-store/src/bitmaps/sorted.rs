//! Numbers in an order that somebody else knows, in pieces: one goes in or out at the cost of a short
//! move.

use std::cmp::Ordering;

/// A piece has at most so many.
const MOST: usize = 1_024;
/// So many to begin with, so that there is room.
const FIRST: usize = 768;
/// So much room is made when there is none: doubling would have half of it lie idle.
const ROOM: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Sorted {
    pieces: Vec<Vec<u32>>,
}

/// A place between two numbers, or at an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    piece: usize,
    at: usize,
}

impl Sorted {
    /// From numbers that are in order.
    pub(super) fn new(numbers: impl ExactSizeIterator<Item = u32>) -> Self {
        let mut numbers = numbers.into_iter();
        let mut pieces = Vec::with_capacity(numbers.len().div_ceil(FIRST));
        while numbers.len() > 0 {
            let mut piece = Vec::with_capacity(numbers.len().min(FIRST));
            piece.extend(numbers.by_ref().take(FIRST));
            pieces.push(piece);
        }
        Self { pieces }
    }

    /// The place before the first number that is not [`Ordering::Less`] than what is looked for.
    pub(super) fn spot(&self, mut compare: impl FnMut(u32) -> Ordering) -> Spot {
        let piece = self.pieces.partition_point(|piece| {
            piece.last().is_none_or(|last| compare(*last) == Ordering::Less)
        });
        let at = self.pieces.get(piece).map_or(0, |numbers| {
            numbers.partition_point(|number| compare(*number) == Ordering::Less)
        });
        Spot { piece, at }
    }

    /// The number behind all others.
    pub(super) fn last(&self) -> Option<u32> {
        self.pieces.last().and_then(|piece| piece.last()).copied()
    }

    /// Takes a number in at its place.
    pub(super) fn insert(&mut self, number: u32, compare: impl FnMut(u32) -> Ordering) {
        let Spot { mut piece, mut at } = self.spot(compare);
        if piece == self.pieces.len() {
            // Behind all others.
            match self.pieces.len().checked_sub(1) {
                None => {
                    self.pieces.push(Vec::new());
                    (piece, at) = (0, 0);
                }
                Some(last) => (piece, at) = (last, self.pieces[last].len()),
            }
        }
        let numbers = &mut self.pieces[piece];
        if numbers.len() == numbers.capacity() {
            numbers.reserve_exact(ROOM);
        }
        numbers.insert(at, number);
        if numbers.len() > MOST {
            let rest = numbers.split_off(MOST / 2);
            numbers.shrink_to(MOST / 2 + ROOM);
            self.pieces.insert(piece + 1, rest);
        }
    }

    /// Takes a number out, if it is at its place; whether it was.
    pub(super) fn remove(&mut self, number: u32, compare: impl FnMut(u32) -> Ordering) -> bool {
        let Spot { piece, at } = self.spot(compare);
        let Some(numbers) = self.pieces.get_mut(piece) else { return false };
        if numbers.get(at) != Some(&number) {
            return false;
        }
        numbers.remove(at);
        if numbers.is_empty() {
            self.pieces.remove(piece);
        }
        true
    }

    /// The numbers from a place on.
    pub(super) fn from(&self, spot: Spot) -> impl Iterator<Item = u32> + '_ {
        let first = self.pieces.get(spot.piece).map_or(&[][..], |piece| &piece[spot.at..]);
        let rest = self.pieces.iter().skip(spot.piece + 1).flatten();
        first.iter().chain(rest).copied()
    }

    /// The numbers before a place, backwards.
    pub(super) fn before(&self, spot: Spot) -> impl Iterator<Item = u32> + '_ {
        let first = self.pieces.get(spot.piece).map_or(&[][..], |piece| &piece[..spot.at]);
        let rest = self.pieces[..spot.piece.min(self.pieces.len())].iter().rev();
        first.iter().rev().chain(rest.flat_map(|piece| piece.iter().rev())).copied()
    }

    pub(super) fn bytes(&self) -> usize {
        self.pieces.iter().map(|piece| piece.capacity() * 4 + 32).sum()
    }
}
