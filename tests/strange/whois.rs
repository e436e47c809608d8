//! A WHOIS server that says one thing.

use std::{net::SocketAddr, sync::Arc};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// Serves on a free port; without a text it never answers.
pub async fn serve(text: Option<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap();
    let text = Arc::new(text);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let text = text.clone();
            tokio::spawn(async move {
                let mut query = Vec::new();
                while !query.ends_with(b"\r\n") {
                    query.push(stream.read_u8().await.ok()?);
                }
                match text.as_deref() {
                    Some(text) => stream.write_all(text).await.ok(),
                    None => std::future::pending().await,
                }
            });
        }
    });
    own
}
