//! A set of assets is one bit for each, so that sets combine word by word.

use alloc::vec;
use alloc::vec::Vec;

use crate::plan::catalog::{AssetIndex, Catalog};

/// A set of assets, one bit each.
pub(super) struct Set {
    words: Vec<u64>,
    assets: u32,
}

impl Set {
    pub(super) fn empty(catalog: &Catalog) -> Set {
        Set {
            words: vec![0; (catalog.len() as usize).div_ceil(64)],
            assets: catalog.len(),
        }
    }

    pub(super) fn whole(catalog: &Catalog) -> Set {
        let mut set = Set::empty(catalog);
        catalog.indexes().for_each(|asset| {
            set.insert(asset);
        });
        set
    }

    /// Whether the asset was not in the set before.
    pub(super) fn insert(&mut self, asset: AssetIndex) -> bool {
        let bit = 1u64 << (asset.0 % 64);
        let word = &mut self.words[asset.0 as usize / 64];
        let fresh = *word & bit == 0;
        *word |= bit;
        fresh
    }

    fn contains(&self, asset: AssetIndex) -> bool {
        self.words[asset.0 as usize / 64] & (1u64 << (asset.0 % 64)) != 0
    }

    pub(super) fn unite(&mut self, other: &Set) {
        self.combine(other, |a, b| a | b);
    }

    pub(super) fn intersect(&mut self, other: &Set) {
        self.combine(other, |a, b| a & b);
    }

    pub(super) fn subtract(&mut self, other: &Set) {
        self.combine(other, |a, b| a & !b);
    }

    fn combine(&mut self, other: &Set, combine: impl Fn(u64, u64) -> u64) {
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word = combine(*word, *other);
        }
    }

    pub(super) fn indexes(&self) -> Vec<AssetIndex> {
        (0..self.assets)
            .map(AssetIndex)
            .filter(|&asset| self.contains(asset))
            .collect()
    }

    pub(super) fn indexes_if(&self, wanted: bool) -> Vec<AssetIndex> {
        if wanted { self.indexes() } else { Vec::new() }
    }
}
