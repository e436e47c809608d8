//! What long-running verbs say of themselves: logs on standard error, metrics over HTTP.

use super::Error;
use crate::config::Logging;
use axum::{Router, routing::get};
use prometheus::{Registry, TextEncoder};
use std::net::SocketAddr;
use tracing_subscriber::EnvFilter;

/// Starts the log on standard error.
pub fn start(logging: &Logging) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&logging.level)
        .map_err(|e| Error::said(format!("logging.level {:?}: {e}", logging.level)))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = if logging.json {
        builder.json().try_init()
    } else {
        builder.with_ansi(false).try_init()
    };
    started.map_err(|e| Error::said(format!("the log can't be started: {e}")))
}

/// Serves `/metrics` beside whatever else runs.
pub async fn serve_metrics(address: SocketAddr, registry: Registry) -> Result<(), Error> {
    let listener = tokio::net::TcpListener::bind(address).await.map_err(|e| {
        Error::said(format!(
            "{address}: {e}; another address: --metrics ADDRESS"
        ))
    })?;
    let page = move || {
        let registry = registry.clone();
        async move {
            TextEncoder::new()
                .encode_to_string(&registry.gather())
                .unwrap_or_default()
        }
    };
    let router = Router::new().route("/metrics", get(page));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(())
}
