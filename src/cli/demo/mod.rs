//! demo
use super::{Error, Output};
use crate::config::Config;
use clap::Args;
/// x
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {}
impl DemoArgs {
    pub async fn run(self, _: Config, _: Output) -> Result<(), Error> {
        Ok(())
    }
}
