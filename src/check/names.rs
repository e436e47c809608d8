//! What the lists of names say of a domain and of what is above it.

use crate::registry::Lists;
use crate::registry::lists::Sought;
use crate::subject::{Line, Scope, cover};

/// What holds for a line: rows of the lists that the fields are named after.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gathered {
    pub(super) protected: Option<u32>,
    /// A protected name that it lies below, of those that are protected alone, and that name's
    /// length.
    pub(super) below: Option<(u32, usize)>,
    pub(super) popular: Option<u32>,
    pub(super) platform: Option<u32>,
    pub(super) reserved: Option<u32>,
}

/// What holds of the name itself, of its bare form without `www.`, and of what is above it.
pub(super) fn gather(lists: &Lists, line: &Line<'_>) -> Gathered {
    let mut gathered = Gathered::default();
    let bare = line.name.strip_prefix("www.").unwrap_or(line.name);
    for ancestor in cover::ancestors(line.name) {
        let sought = Sought::new(ancestor);
        let itself = ancestor.len() >= bare.len();
        if let Some(number) = lists.protected_names.find(&sought) {
            let row = lists.protected_names.row(number);
            let shields = itself || row.is_some_and(|row| row.scope == Scope::Subtree);
            match shields {
                true => _ = gathered.protected.get_or_insert(number),
                false => _ = gathered.below.get_or_insert((number, ancestor.len())),
            }
        }
        if itself {
            let popular = || lists.popular_names.find(&sought);
            gathered.popular = gathered.popular.or_else(popular);
            let platform = || lists.platform_hosts.find(&sought);
            gathered.platform = gathered.platform.or_else(platform);
        } else {
            let reserved = || lists.reserved_suffixes.find(&sought);
            gathered.reserved = gathered.reserved.or_else(reserved);
        }
    }
    if line.scope == Scope::Subtree {
        gathered.add_below(lists, &Sought::new(line.name));
    }
    gathered
}

impl Gathered {
    /// What a line with all below it takes there.
    fn add_below(&mut self, lists: &Lists, name: &Sought<'_>) {
        let protected = || lists.protected_names.below(name);
        self.protected = self.protected.or_else(protected);
        let popular = || lists.popular_names.below(name);
        self.popular = self.popular.or_else(popular);
        // What is protected is refused; a platform below it adds nothing.
        if self.protected.is_none() {
            let platform = || lists.platform_hosts.below(name);
            self.platform = self.platform.or_else(platform);
        }
    }
}
