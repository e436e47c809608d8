//! `blockfeed officer new`: an officer's key in an encrypted file.

use super::{Error, Output, document, output, secret};
use crate::{
    canon::{KeyId, OfficerId},
    trust::Role,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use std::path::PathBuf;

/// Officers' keys
#[derive(Debug, Clone, Subcommand)]
#[command(after_help = "Example:
  blockfeed officer new --officer o-0017 --unit moit.e-commerce --role propose > o-0017.json")]
pub enum OfficerVerb {
    New(NewArgs),
}

/// Make an officer's key in an encrypted file
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example:
  blockfeed officer new --officer o-0017 --key k2 --unit moit.e-commerce --role propose \\
    --out o-0017-k2.pem > o-0017.json

What it prints is public: it goes to the holders of the root keys, who put it into the trust
document (`trust draft --officers o-0017.json`). The key file stays with the officer: PKCS#8,
encrypted by scrypt and AES-256, so that other tools read it too.")]
pub struct NewArgs {
    /// The officer's pseudonym, such as o-0017
    #[arg(long, value_name = "ID")]
    officer: OfficerId,
    /// Name of the key under the officer
    #[arg(long, value_name = "NAME", default_value = "k1")]
    key: KeyId,
    /// The officer's unit, as in lists/units.toml
    #[arg(long, value_name = "UNIT")]
    unit: String,
    /// What the officer's signature may stand for (may be repeated)
    #[arg(long, value_name = "ROLE", required = true)]
    role: Vec<RoleArg>,
    /// The key file [default: <officer>-<key>.pem]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A file that holds the passphrase [else BLOCKFEED_PASSPHRASE, else asked for]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// A role as a flag.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleArg {
    Approve,
    Propose,
    Senior,
}

impl From<RoleArg> for Role {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Approve => Self::Approve,
            RoleArg::Propose => Self::Propose,
            RoleArg::Senior => Self::Senior,
        }
    }
}

impl OfficerVerb {
    pub fn run(self, _: Output) -> Result<(), Error> {
        let Self::New(args) = self;
        let file = format!("{}-{}.pem", args.officer, args.key);
        let path = args.out.unwrap_or_else(|| file.into());
        let what = path.display().to_string();
        let passphrase = secret::new_passphrase(args.passphrase_file.as_deref(), &what)?;
        let key = secret::new_key()?;
        secret::write_key(&path, &key, &passphrase)?;
        let roles: Vec<Role> = args.role.into_iter().map(Role::from).collect();
        let public = document::public(&key);
        let officer = document::officer(&args.unit, &roles, args.key, public);
        output::note(&format!(
            "{what} is written; back it up, it can't be made again"
        ));
        // JSON with or without --json: it is what goes into the trust document.
        output::print(&output::pretty(
            &json!({ args.officer.to_string(): officer }),
        )?)
    }
}
