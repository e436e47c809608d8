//! Blockfeed: one signed, append-only log of decisions; everything else is a view of it.
//!
//! ```text
//! tip ─▶ submission ─▶ check ─▶ proposal ─▶ second officer ─▶ LOG ─▶ set in force ─▶ feeds ─▶ HTTP ─▶ agent
//!        (private casework)                               (public)                            ▲        │
//!                                                                                    audit ───┘   receipt
//! ```
//!
//! The map. A room imports only rooms of a lower floor; `tests/floors.rs` holds this table
//! against the source and names file and line of what breaks it.
//!
//! | floor | room | owns | must not know |
//! |---|---|---|---|
//! | 0 | `canon` | canonical JSON (RFC 8785), hashes and base64 as they stand in signed bytes | what the bytes say |
//! | 0 | `subject` | the four kinds, parsing, canonical form, scope and cover, feed order | who sends them |
//! | 0 | `tlog` | Merkle tree, tiles, notes, checkpoints, cosignatures, proofs | what a leaf means, I/O |
//! | 0 | `store` | RocksDB: the log's tables, the private ones, the high-water mark, data sets | domain types |
//! | 0 | `fetch` | bounded, timed reading of a URL or a folder | what it reads |
//! | 0 | `tls` | a listener's certificate from files, read anew while it serves | what is served |
//! | 1 | `backup` | the form of a backup, its manifest, the socket by which a running authority is asked for a copy | what the database says |
//! | 1 | `trust` | trust document, root, keys, officers, policy | decisions |
//! | 1 | `entries` | the set in force as plain data: entry, set, change, digest, proof of absence | where it came from |
//! | 1 | `registry` | facts: the lists, the suffix list, data sets, RDAP, WHOIS, DNS | what follows from them |
//! | 1 | `seal` | secrets in files beside the database, and sealing under them | what is sealed |
//! | 2 | `accounts` | who may sign in at the desk: accounts, sessions, enrolment, the journal of it | what they do there, transport, decisions |
//! | 2 | `decision` | leaves, parts, approvals, canonical bytes, and the fold to entries; pure | storage, clocks |
//! | 3 | `check` | the guard and the reading of a list; pure | where facts came from |
//! | 3 | `feed` | snapshot, delta, manifest and rendered formats, encoding and decoding | sockets |
//! | 4 | `log` | sequencer, commit, publication, current set | HTTP |
//! | 5 | `casework` | proposals, subscribers, receipts | transport |
//! | 6 | `transfer` | policy zones from entries; SOA, AXFR, IXFR, NOTIFY, TSIG, XoT over a source of five methods | the store, HTTP, casework |
//! | 7 | `serve` | HTTP: route table, files, API, metrics; the one map from errors to status codes; the log as the source of zones | rules |
//! | 7 | `agent` | the subscriber: pull, verify, apply, acknowledge | serve, store, log, casework |
//! | 7 | `audit` | the auditor: rebuild everything from what was published; the mirror, which keeps what it verified | serve, store, log, casework |
//! | 7 | `probe` | whether it is enforced: asks resolver, firewall, endpoint for the test entry | serve, store, log, casework |
//! | 8 | `config` | one TOML file joined from each room's own config | any rule |
//! | 9 | `cli` | parse, dispatch, exit code | any rule |

// What goes wrong is an error that says so; nothing outside tests ends the process by a panic.
#![cfg_attr(
    not(test),
    warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)
)]

pub mod accounts;
pub mod agent;
pub mod audit;
pub mod backup;
pub mod canon;
pub mod casework;
pub mod check;
pub mod cli;
pub mod config;
pub mod decision;
pub mod entries;
pub mod feed;
pub mod fetch;
pub mod log;
pub mod probe;
pub mod registry;
pub mod seal;
pub mod serve;
pub mod store;
pub mod subject;
pub mod tlog;
pub mod tls;
pub mod transfer;
pub mod trust;
