//! An HTTP server of whole connections: what it sends needn't be HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What a request gets.
pub enum Reply {
    Raw(Vec<u8>),
    /// Nothing, for as long as the other side waits.
    Hang,
    /// A head, then a byte now and then.
    Drip,
    /// Twenty megabytes, announced or not.
    Flood {
        length: bool,
    },
    Close,
}

impl Reply {
    pub fn json(body: Vec<u8>) -> Reply {
        let mut bytes = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/rdap+json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        )
        .into_bytes();
        bytes.extend(body);
        Reply::Raw(bytes)
    }

    pub fn status(code: u16) -> Reply {
        Reply::Raw(format!("HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n").into())
    }

    pub fn redirect(to: &str) -> Reply {
        Reply::Raw(format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into())
    }
}

/// Serves on a free port; `reply` gets the path and the server's own address.
pub async fn serve(
    reply: impl Fn(&str, SocketAddr) -> Reply + Send + Sync + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let own = listener.local_addr().unwrap();
    let reply = Arc::new(reply);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, own, reply.clone()));
        }
    });
    own
}

async fn answer(
    mut stream: TcpStream,
    own: SocketAddr,
    reply: Arc<impl Fn(&str, SocketAddr) -> Reply>,
) -> Option<()> {
    let mut request = Vec::new();
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await.ok()?;
            request.push(byte);
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        request.clear();
        let path = text.split(' ').nth(1)?.to_owned();
        match reply(&path, own) {
            Reply::Raw(bytes) => stream.write_all(&bytes).await.ok()?,
            Reply::Hang => std::future::pending().await,
            Reply::Close => return None,
            Reply::Drip => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                    .await
                    .ok()?;
                loop {
                    stream.write_all(b"{").await.ok()?;
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            Reply::Flood { length } => {
                let head = match length {
                    true => format!("HTTP/1.1 200 OK\r\nContent-Length: {FLOOD}\r\n\r\n"),
                    false => "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
                };
                stream.write_all(head.as_bytes()).await.ok()?;
                stream.write_all(&vec![b' '; FLOOD]).await.ok()?;
                return None;
            }
        }
    }
}

const FLOOD: usize = 20 << 20;
