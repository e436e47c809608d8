//! The guard as the settings name its lists. What it judges is `check`'s to say.

use super::Error;
use crate::{check::Guard, config::Config, registry::Lists};
use std::sync::Arc;

pub use crate::check::body::{VERSION, judge, lines, stops, whole};

/// Builds the guard from the lists that the settings name.
pub fn load(config: &Config) -> Result<Arc<Guard>, Error> {
    Ok(Arc::new(Guard::new(Arc::new(lists(config)?))))
}

/// The lists that the settings name.
pub fn lists(config: &Config) -> Result<Lists, Error> {
    Ok(match &config.lists.directory {
        Some(directory) => Lists::load(directory)?,
        None => Lists::embedded()?,
    })
}
