//! Tiles (C2SP tlog-tiles): which files a tree of a given size is published as, and their paths.

use super::error::Error;
use super::hash::Hash;

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Hashes of height `8 × level`; level 0 holds leaf hashes. At most [`TOP_LEVEL`].
    Hashes(u8),
    /// The entries themselves: an entry bundle.
    Entries,
}

/// One published file of the tree: a hash tile or an entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    pub level: Level,
    /// Position in its level, from 0.
    pub index: u64,
    /// Hashes or entries in it, 1 to 256. A full one never changes.
    pub width: u16,
}

impl TileId {
    /// Path below the log's folder: `tile/0/000.p/18`, `tile/entries/x001/234`.
    pub fn path(&self) -> String {
        let level = match self.level {
            Level::Hashes(level) => level.to_string(),
            Level::Entries => "entries".to_owned(),
        };
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        if self.is_full() {
            format!("tile/{level}/{number}")
        } else {
            format!("tile/{level}/{number}.p/{}", self.width)
        }
    }

    /// Reads a path as [`TileId::path`] writes it, and no other spelling of it.
    pub fn parse(path: &str) -> Result<Self, Error> {
        let error = |why| Error::Tile {
            tile: path.chars().take(80).collect(),
            why,
        };
        let parts = path.strip_prefix("tile/").and_then(|p| p.split_once('/'));
        let (level, rest) = parts.ok_or(error("a tile's path is tile/<level>/<number>"))?;
        let level =
            match level {
                "entries" => Level::Entries,
                digits => Level::Hashes(digits.parse().map_err(|_| {
                    error("the level is neither a small number nor the word entries")
                })?),
            };
        let (number, width) = match rest.split_once(".p/") {
            None => (rest, Ok(TILE_WIDTH)),
            Some((number, width)) => (number, width.parse()),
        };
        let width = width.map_err(|_| error("the width of a partial tile is 1 to 255"))?;
        let digits: String = number
            .chars()
            .filter(|c| !matches!(c, 'x' | '/'))
            .take(24)
            .collect();
        let index = digits
            .parse()
            .map_err(|_| error("the number is not in groups of three digits"))?;
        let id = Self {
            level,
            index,
            width,
        };
        let sound = matches!(level, Level::Entries | Level::Hashes(0..=TOP_LEVEL));
        // Whatever is not exactly our own spelling (leading zeros, a missing x, a width of 256) ends here.
        if !sound || !(1..=TILE_WIDTH).contains(&width) || id.path() != path {
            return Err(error("not the one spelling that a tile's path has"));
        }
        Ok(id)
    }

    /// Whether it holds 256: such files may be kept for ever.
    pub fn is_full(&self) -> bool {
        self.width == TILE_WIDTH
    }
}

/// All tiles and bundles to publish when the tree grows from `old` to `new` leaves, each in its width at `new`.
///
/// Nothing where `new` is not above `old`.
pub fn tiles_between(old: u64, new: u64) -> Vec<TileId> {
    let mut tiles = Vec::new();
    if new > old {
        grown(Level::Entries, old, new, &mut tiles);
    }
    for level in 0..=TOP_LEVEL {
        let (old, new) = (old >> (8 * level), new >> (8 * level));
        if new <= old {
            break;
        }
        grown(Level::Hashes(level), old, new, &mut tiles);
    }
    tiles
}

/// All tiles and bundles that a tree of `size` leaves consists of.
pub fn all_tiles(size: u64) -> Vec<TileId> {
    tiles_between(0, size)
}

/// Reads the hashes of a tile of `width`: exactly `width` × 32 bytes.
pub fn decode_tile(bytes: &[u8], width: u16) -> Result<Vec<Hash>, Error> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || hashes.len() != usize::from(width) {
        return Err(Error::Tile {
            tile: format!("{} bytes", bytes.len()),
            why: "a tile is exactly 32 bytes for each hash of its width",
        });
    }
    Ok(hashes.iter().copied().map(Hash).collect())
}

fn grown(level: Level, old: u64, new: u64, tiles: &mut Vec<TileId>) {
    let full = u64::from(TILE_WIDTH);
    tiles.extend((old / full..new / full).map(|index| TileId {
        level,
        index,
        width: TILE_WIDTH,
    }));
    let width = (new % full) as u16;
    if width > 0 {
        tiles.push(TileId {
            level,
            index: new / full,
            width,
        });
    }
}

/// Highest level that a tree of less than 2⁶⁴ leaves can have.
const TOP_LEVEL: u8 = 7;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let id = |level, index, width| TileId {
            level,
            index,
            width,
        };
        for (id, path) in [
            (id(Level::Hashes(0), 0, 18), "tile/0/000.p/18"),
            (id(Level::Hashes(1), 1_234_067, 256), "tile/1/x001/x234/067"),
            (
                id(Level::Entries, 1_234_067, 5),
                "tile/entries/x001/x234/067.p/5",
            ),
        ] {
            assert_eq!(id.path(), path);
            assert_eq!(TileId::parse(path), Ok(id));
        }
        for bad in [
            "tile/0/0",
            "tile/00/000",
            "tile/8/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/018",
            "tile/0/x000/001",
            "tile/0/001/234",
            "tile/0/../001",
            "tile/0/+01",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
            "",
        ] {
            assert!(TileId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn growth_names_what_changed() {
        let paths = |old, new| -> Vec<String> {
            tiles_between(old, new).iter().map(TileId::path).collect()
        };
        assert_eq!(paths(5, 5), Vec::<String>::new());
        assert_eq!(paths(0, 2), ["tile/entries/000.p/2", "tile/0/000.p/2"]);
        assert_eq!(
            paths(255, 258),
            [
                "tile/entries/000",
                "tile/entries/001.p/2",
                "tile/0/000",
                "tile/0/001.p/2",
                "tile/1/000.p/1"
            ]
        );
        assert_eq!(paths(256, 258).len(), 2);
        assert_eq!(all_tiles(70_000).len(), 274 + 274 + 2 + 1);
    }
}
