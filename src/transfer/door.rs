//! Datagrams and connections: how queries come, how answers go, and how long either may take.

use super::{
    desk::{Desk, Reply, Way},
    now,
    places::Place,
    stream::Transfer,
};
use std::{
    io,
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
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

impl Patience {
    /// For the next part of an answer: as long as any part may take, and no longer than the whole
    /// may by the floor. `sent`: octets so far; `elapsed`: since the answer began.
    fn left(self, sent: u64, elapsed: Duration) -> Duration {
        let whole = self.write + Duration::from_secs(sent / FLOOR);
        whole.saturating_sub(elapsed).min(self.write)
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

/// Answers a connection's queries until it ends, takes too long, or asks what it may not.
pub(super) async fn stream(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    from: IpAddr,
    place: &Place,
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
        match desk.answer(&query, from, Way::Stream(place), now()) {
            Reply::Nothing => return Ok(()),
            Reply::One(answer) => {
                let mut out = Vec::with_capacity(answer.len() + 2);
                push(&mut out, &answer);
                send(&mut stream, &out, desk, patience.write).await?;
                if refuses(&answer) {
                    // What else was sent is not read.
                    drop(timeout(patience.write, stream.shutdown()).await);
                    return Ok(());
                }
            }
            Reply::Many(rest) => transfer(&mut stream, *rest, desk, patience).await?,
        }
    }
}

/// Sends a transfer as fast as it is taken.
async fn transfer(
    stream: &mut (impl AsyncWrite + Unpin),
    mut rest: Transfer,
    desk: &Desk,
    patience: Patience,
) -> io::Result<()> {
    let began = Instant::now();
    let mut sent = 0;
    let mut out = Vec::with_capacity(2 * BATCH);
    let mut room = Vec::new();
    while let Some(message) = rest.next(room, now()) {
        push(&mut out, &message);
        room = message;
        if out.len() >= BATCH {
            let left = patience.left(sent, began.elapsed());
            send(stream, &out, desk, left).await?;
            sent += out.len() as u64;
            out.clear();
        }
    }
    send(stream, &out, desk, patience.left(sent, began.elapsed())).await
}

/// Whether an answer says that its query was wrong: FORMERR, REFUSED or NOTAUTH.
fn refuses(answer: &[u8]) -> bool {
    answer.get(3).is_some_and(|b| matches!(b & 15, 1 | 5 | 9))
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
    within: Duration,
) -> io::Result<()> {
    let sending = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    match timeout(within, sending).await {
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
/// Octets a second that a reader takes at least, over a whole transfer.
const FLOOR: u64 = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_reader_has_its_time_by_the_floor() {
        let seconds = Duration::from_secs;
        let patience = Patience {
            read: seconds(10),
            write: seconds(30),
        };
        assert_eq!(patience.left(0, seconds(0)), seconds(30));
        assert_eq!(patience.left(0, seconds(29)), seconds(1));
        assert_eq!(patience.left(100 * FLOOR, seconds(90)), seconds(30));
        assert_eq!(patience.left(100 * FLOOR, seconds(110)), seconds(20));
        assert_eq!(patience.left(100 * FLOOR, seconds(200)), seconds(0));
    }
}
