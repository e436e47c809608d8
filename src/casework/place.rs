//! Where a page of changes begins: the `page` of an answer, opaque to its reader.

use super::Error;

/// Where a page begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Whole {
        since: u64,
        serial: u64,
        from: usize,
    },
    Step {
        since: u64,
        serial: u64,
        from: usize,
    },
}

impl Place {
    pub(super) fn text(self) -> String {
        match self {
            Self::Whole {
                since,
                serial,
                from,
            } => format!("w{since}-{serial}-{from}"),
            Self::Step {
                since,
                serial,
                from,
            } => format!("s{since}-{serial}-{from}"),
        }
    }

    /// Reads the `page` of an answer.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let read = || {
            let (sort, rest) = text.split_at_checked(1)?;
            let mut numbers = rest.split('-').map(str::parse::<u64>);
            let (since, serial) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
            let from = usize::try_from(numbers.next()?.ok()?).ok()?;
            match (sort, numbers.next()) {
                ("w", None) => Some(Self::Whole {
                    since,
                    serial,
                    from,
                }),
                ("s", None) => Some(Self::Step {
                    since,
                    serial,
                    from,
                }),
                _ => None,
            }
        };
        read().ok_or_else(|| Error::malformed("the page", "it is the `page` of an answer"))
    }
}
