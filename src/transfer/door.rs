//! Connections: how many, how long, and that none holds more than its share.

use super::{
    Metrics,
    desk::{Desk, Reply, Way},
    now,
};
use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UdpSocket,
    time::timeout,
};

/// What a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a query to come.
    pub(super) read: Duration,
    /// For the next part of an answer to be taken.
    pub(super) write: Duration,
}

/// The places for connections: so many in all, so many an address.
pub(super) struct Places {
    all: usize,
    each: usize,
    taken: Mutex<HashMap<IpAddr, usize>>,
    metrics: Metrics,
}

/// A place that is free again when this is dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    pub(super) fn new(all: usize, each: usize, metrics: Metrics) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self {
            all,
            each,
            taken,
            metrics,
        })
    }

    /// Takes a place, if there is one for the address.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = taken.values().sum();
        let mine = taken.get(&address).copied().unwrap_or_default();
        if all >= self.all || mine >= self.each {
            self.metrics.turned_away.inc();
            return None;
        }
        taken.insert(address, mine + 1);
        self.metrics.connections.inc();
        Some(Place {
            places: self.clone(),
            address,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = self.places.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        match taken.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(taken.remove(&self.address)),
        }
        self.places.metrics.connections.dec();
    }
}

/// Answers datagrams, one after the other, for ever.
pub(super) async fn datagrams(socket: UdpSocket, desk: Arc<Desk>) {
    let mut room = vec![0; LONGEST];
    loop {
        // An error is the last answer's, that nobody was there to take.
        let Ok((length, from)) = socket.recv_from(&mut room).await else {
            continue;
        };
        let query = room.get(..length).unwrap_or_default();
        if let Reply::One(answer) = desk.answer(query, from.ip(), Way::Datagram, now()) {
            // It is lost like any other datagram.
            drop(socket.send_to(&answer, from).await);
        }
    }
}

/// Answers a connection's queries until it ends, or takes too long.
pub(super) async fn stream(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    from: SocketAddr,
    desk: &Desk,
    patience: Patience,
) -> io::Result<()> {
    let mut query = Vec::new();
    loop {
        match timeout(patience.read, read(&mut stream, &mut query)).await {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_) => {
                desk.metrics.cut_off.inc();
                return Ok(());
            }
        }
        match desk.answer(&query, from.ip(), Way::Stream, now()) {
            Reply::Nothing => return Ok(()),
            Reply::One(answer) => {
                let mut out = Vec::with_capacity(answer.len() + 2);
                push(&mut out, &answer);
                send(&mut stream, &out, desk, patience).await?;
            }
            Reply::Many(mut transfer) => {
                let mut out = Vec::with_capacity(2 * BATCH);
                let mut room = Vec::new();
                while let Some(message) = transfer.next(room, now()) {
                    push(&mut out, &message);
                    room = message;
                    if out.len() >= BATCH {
                        send(&mut stream, &out, desk, patience).await?;
                        out.clear();
                    }
                }
                send(&mut stream, &out, desk, patience).await?;
            }
        }
    }
}

/// Reads the next query; `false` at the end of the connection.
async fn read(stream: &mut (impl AsyncRead + Unpin), query: &mut Vec<u8>) -> io::Result<bool> {
    let mut length = [0; 2];
    match stream.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        read => read?,
    };
    let length = usize::from(u16::from_be_bytes(length));
    // No query to a primary is as long; whoever sends one sends no query.
    if length > LONGEST {
        return Ok(false);
    }
    query.resize(length, 0);
    stream.read_exact(query).await?;
    Ok(true)
}

async fn send(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    desk: &Desk,
    patience: Patience,
) -> io::Result<()> {
    let sending = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    match timeout(patience.write, sending).await {
        Ok(sent) => sent?,
        Err(_) => {
            desk.metrics.cut_off.inc();
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    desk.metrics.bytes.inc_by(bytes.len() as u64);
    Ok(())
}

/// Adds a message with its length before it.
fn push(out: &mut Vec<u8>, message: &[u8]) {
    // All are far shorter: pieces and differences end at 16 KiB.
    let length = u16::try_from(message.len()).unwrap_or_default();
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(message);
}

/// Octets of the longest query that is read.
const LONGEST: usize = 4096;
/// Octets that are written at a time.
const BATCH: usize = 48 << 10;
