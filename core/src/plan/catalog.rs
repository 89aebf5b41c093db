//! A catalog is a manifest that has been checked, with an index on everything a plan asks for.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::identity::keys::AssetKey;
use crate::plan::lookup::Lookup;
use crate::plan::space::Space;
use crate::plan::validate;
use crate::wire::finding::Finding;
use crate::wire::manifest::limit::MAX_DIMENSIONS;
use crate::wire::manifest::policy::Severity;
use crate::wire::manifest::{Asset, Manifest};

/// A checked and indexed manifest; a clone shares it.
#[derive(Clone, Debug)]
pub struct Catalog {
    inner: Arc<Inner>,
}

/// An asset's place in the byte order of the asset keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetIndex(pub u32);

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) manifest: Manifest,
    /// From asset index to place in the manifest.
    pub(super) declared: Vec<u32>,
    /// From key to asset index.
    pub(super) lookup: Lookup,
    /// Each space once.
    pub(super) spaces: Vec<Space>,
    /// From asset index to space.
    pub(super) space_of: Vec<u32>,
    pub(super) tasks: Vec<Tasks>,
    /// The links of asset `a` are `links[link_starts[a]..link_starts[a + 1]]`, by upstream.
    pub(super) link_starts: Vec<u32>,
    pub(super) links: Vec<Link>,
    /// Each list of what links say of dimensions once.
    pub(super) dimension_links: Vec<DimensionLinks>,
    /// The same edges from the other end.
    pub(super) downstream_starts: Vec<u32>,
    pub(super) downstreams: Vec<AssetIndex>,
    /// Every asset after its upstreams.
    pub(super) topological: Vec<AssetIndex>,
    pub(super) tags: BTreeMap<alloc::string::String, Vec<AssetIndex>>,
    /// From asset index to the automation that keeps it up to date; empty when the manifest has none.
    pub(super) keepers: Vec<Option<u32>>,
}

/// How many tasks a partition of an asset has, and which one others wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tasks {
    pub(super) check: bool,
    pub(super) blocks: bool,
}

impl Tasks {
    pub(super) fn of(asset: &Asset) -> Tasks {
        let severity = asset.check.as_ref().map(|check| check.severity);
        Tasks {
            check: severity.is_some(),
            blocks: severity == Some(Severity::Block),
        }
    }
}

/// What one asset needs of one upstream; [`Catalog::dimension_links`] says which of its partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The upstream.
    pub upstream: AssetIndex,
    /// What is said of the upstream's dimensions, by its place among all that is said.
    pub(super) said: u32,
}

/// A link for each dimension of a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DimensionLinks {
    links: [DimensionLink; MAX_DIMENSIONS],
    count: u8,
}

impl Default for DimensionLinks {
    fn default() -> DimensionLinks {
        DimensionLinks {
            links: [DimensionLink::All; MAX_DIMENSIONS],
            count: 0,
        }
    }
}

impl DimensionLinks {
    /// Adds the link of the next dimension; a space has no more than there is room for.
    pub(super) fn push(&mut self, link: DimensionLink) {
        if let Some(slot) = self.links.get_mut(usize::from(self.count)) {
            *slot = link;
            self.count += 1;
        }
    }
}

impl core::ops::Deref for DimensionLinks {
    type Target = [DimensionLink];

    fn deref(&self) -> &[DimensionLink] {
        &self.links[..usize::from(self.count)]
    }
}

/// How the values of an upstream dimension follow from a downstream partition.
///
/// `from` is the place of the dimension of the same name in the downstream space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DimensionLink {
    /// The same value, or those that overlap it.
    Identity {
        /// The downstream dimension.
        from: u32,
    },
    /// Every value.
    All,
    /// The greatest value there is.
    Latest,
    /// The same value, or those that overlap it, and `before` earlier ones.
    Window {
        /// The downstream dimension.
        from: u32,
        /// How many earlier ones.
        before: u32,
    },
}

impl Inner {
    /// Lays out the links of each asset, and the same edges from the other end.
    pub(super) fn connect(&mut self, links: Vec<Vec<Link>>) {
        let assets = links.len();
        self.downstream_starts = alloc::vec![0; assets + 1];
        self.link_starts.push(0);
        for links in links {
            for link in &links {
                self.downstream_starts[link.upstream.0 as usize + 1] += 1;
            }
            self.links.extend(links);
            self.link_starts
                .push(u32::try_from(self.links.len()).unwrap_or(u32::MAX));
        }
        for index in 1..=assets {
            self.downstream_starts[index] += self.downstream_starts[index - 1];
        }
        let mut slots = self.downstream_starts.clone();
        self.downstreams = alloc::vec![AssetIndex(0); self.links.len()];
        for (asset, range) in (0u32..).zip(self.link_starts.windows(2)) {
            for link in &self.links[range[0] as usize..range[1] as usize] {
                let slot = &mut slots[link.upstream.0 as usize];
                self.downstreams[*slot as usize] = AssetIndex(asset);
                *slot += 1;
            }
        }
    }
}

impl Catalog {
    /// Checks a manifest and indexes it.
    ///
    /// All findings are reported, at most [`MAX_FINDINGS`](crate::wire::manifest::limit::MAX_FINDINGS).
    pub fn new(manifest: Manifest) -> Result<Catalog, Vec<Finding>> {
        let mut catalog = Catalog {
            inner: Arc::new(validate::index(manifest)?),
        };
        let keepers = validate::check_selections(&catalog)?;
        if let Some(inner) = Arc::get_mut(&mut catalog.inner) {
            inner.keepers = keepers;
        }
        Ok(catalog)
    }

    /// What forbids deploying this catalog after `previous`: an asset whose id changed.
    pub fn check_after(&self, previous: &Catalog) -> Vec<Finding> {
        validate::check_ids(self, previous)
    }

    /// The manifest as it was given.
    pub fn manifest(&self) -> &Manifest {
        &self.inner.manifest
    }

    /// How many assets there are.
    pub fn len(&self) -> u32 {
        u32::try_from(self.inner.declared.len()).unwrap_or(u32::MAX)
    }

    /// Whether there is no asset.
    pub fn is_empty(&self) -> bool {
        self.inner.declared.is_empty()
    }

    /// Every asset index, in the order of the keys.
    pub fn indexes(&self) -> impl Iterator<Item = AssetIndex> + use<> {
        (0..self.len()).map(AssetIndex)
    }

    /// The declaration of an asset.
    ///
    /// # Panics
    /// On an index of another catalog.
    pub fn asset(&self, index: AssetIndex) -> &Asset {
        &self.inner.manifest.assets[self.inner.declared[index.0 as usize] as usize]
    }

    /// The asset with this key.
    pub fn find(&self, key: &AssetKey) -> Option<AssetIndex> {
        self.find_text(key.as_str())
    }

    /// The asset whose key has this text.
    pub fn find_text(&self, key: &str) -> Option<AssetIndex> {
        let key_of = |index| self.asset(AssetIndex(index)).key.as_str();
        self.inner.lookup.find(key, key_of).map(AssetIndex)
    }

    /// The asset indexes whose keys start with a text.
    pub fn with_prefix(&self, prefix: &str) -> core::ops::Range<u32> {
        let text = |&declared: &u32| self.inner.manifest.assets[declared as usize].key.as_str();
        let declared = &self.inner.declared;
        let start = declared.partition_point(|place| text(place) < prefix);
        let length = declared[start..].partition_point(|place| text(place).starts_with(prefix));
        let bound = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        bound(start)..bound(start + length)
    }

    /// The partitions of an asset.
    ///
    /// # Panics
    /// On an index of another catalog.
    pub fn space(&self, index: AssetIndex) -> &Space {
        &self.inner.spaces[self.space_place(index)]
    }

    /// Which of the distinct spaces is an asset's.
    pub(super) fn space_place(&self, index: AssetIndex) -> usize {
        self.inner.space_of[index.0 as usize] as usize
    }

    /// How many distinct spaces there are.
    pub(super) fn spaces(&self) -> usize {
        self.inner.spaces.len()
    }

    /// How many tasks a partition of an asset has.
    pub(super) fn tasks(&self, index: AssetIndex) -> Tasks {
        self.inner.tasks[index.0 as usize]
    }

    /// What an asset needs, by upstream.
    pub fn links(&self, index: AssetIndex) -> &[Link] {
        &self.inner.links[bounds(&self.inner.link_starts, index)]
    }

    /// How each of the upstream's dimensions follows, in the order of its space.
    ///
    /// # Panics
    /// On a link of another catalog.
    pub fn dimension_links(&self, link: &Link) -> &[DimensionLink] {
        &self.inner.dimension_links[link.said as usize]
    }

    /// The assets that need this one, in the order of their keys.
    pub fn downstreams(&self, index: AssetIndex) -> &[AssetIndex] {
        &self.inner.downstreams[bounds(&self.inner.downstream_starts, index)]
    }

    /// The place in the manifest of the automation that keeps an asset up to date.
    pub fn keeper(&self, index: AssetIndex) -> Option<u32> {
        *self.inner.keepers.get(index.0 as usize)?
    }

    /// Every asset after its upstreams.
    pub fn topological(&self) -> &[AssetIndex] {
        &self.inner.topological
    }

    /// The assets with a tag, in the order of their keys.
    pub fn tagged(&self, tag: &str) -> Option<&[AssetIndex]> {
        self.inner.tags.get(tag).map(Vec::as_slice)
    }

    /// Every tag, in order.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.inner.tags.keys().map(alloc::string::String::as_str)
    }
}

fn bounds(starts: &[u32], index: AssetIndex) -> core::ops::Range<usize> {
    let index = index.0 as usize;
    starts[index] as usize..starts[index + 1] as usize
}
