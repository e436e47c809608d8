//! Telling secondaries of a new serial (RFC 1996), again until they answer or have had enough.

use super::{
    desk::Desk,
    levels::Level,
    name::Name,
    now,
    query::RESPONSE,
    tsig::{Key, Signer},
    wire::{Head, Message, SOA},
};
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    net::UdpSocket,
    sync::watch,
    time::{Instant, timeout_at},
};

/// A secondary to tell, and with which key.
pub(super) struct Secondary {
    pub(super) at: SocketAddr,
    pub(super) key: Option<Arc<Key>>,
}

/// What the zones' keeper tells: how often zones changed, and how often all are to be told anew.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct News {
    pub(super) changes: u64,
    pub(super) wanted: u64,
}

impl Secondary {
    /// Tells of every change until the server ends.
    pub(super) async fn follow(self, desk: Arc<Desk>, mut news: watch::Receiver<News>) {
        let mut told = [None; Level::ALL.len()];
        let mut wanted = 0;
        loop {
            let latest = *news.borrow_and_update();
            if latest.wanted != wanted {
                (told, wanted) = ([None; Level::ALL.len()], latest.wanted);
            }
            if let Err(error) = self.tell(&desk, &mut told, &news).await {
                tracing::debug!(to = %self.at, %error, "NOTIFY can't be sent");
            }
            let behind = news.has_changed().unwrap_or(false);
            if !behind && news.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tells what wasn't told, some times over; ends early when there is news.
    async fn tell(
        &self,
        desk: &Desk,
        told: &mut [Option<u32>],
        news: &watch::Receiver<News>,
    ) -> io::Result<()> {
        let own: IpAddr = match self.at {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((own, 0)).await?;
        socket.connect(self.at).await?;
        let mut waiting = self.pending(desk, told);
        for wait in WAITS {
            for (message, ..) in waiting.values() {
                // Nobody there says so by an error: it is tried again all the same.
                drop(socket.send(message).await);
            }
            let until = Instant::now() + wait;
            while !waiting.is_empty() {
                let Some(id) = answered(&socket, until).await else {
                    break;
                };
                if let Some((_, level, serial)) = waiting.remove(&id) {
                    desk.metrics.notified.with_label_values(&["answered"]).inc();
                    if let Some(place) = told.get_mut(level as usize) {
                        *place = Some(serial);
                    }
                }
            }
            if waiting.is_empty() || news.has_changed().unwrap_or(true) {
                return Ok(());
            }
        }
        for (_, level, serial) in waiting.into_values() {
            desk.metrics.notified.with_label_values(&["lost"]).inc();
            if let Some(place) = told.get_mut(level as usize) {
                *place = Some(serial);
            }
        }
        Ok(())
    }

    /// Messages for the zones whose serial wasn't told, by their ids.
    fn pending(&self, desk: &Desk, told: &[Option<u32>]) -> BTreeMap<u16, (Vec<u8>, Level, u32)> {
        let zones = desk.zones.load();
        let behind = zones.iter().flatten().filter(|zone| {
            let told = told.get(zone.level as usize).copied().flatten();
            told != Some(zone.serial)
        });
        let mut pending = BTreeMap::new();
        for zone in behind {
            let id = random_id();
            let head = Head { id, flags: NOTIFY };
            let mut message = Message::new(head, Vec::new());
            message.question(&question(&zone.form.apex));
            message.soa(&zone.form, zone.serial);
            let mut message = message.finish();
            if let Some(key) = &self.key {
                Signer::of(key.clone()).sign(&mut message, now());
            }
            pending.insert(id, (message, zone.level, zone.serial));
        }
        pending
    }
}

/// The id of the next answer, if one comes in time.
async fn answered(socket: &UdpSocket, until: Instant) -> Option<u16> {
    let mut room = [0; 512];
    loop {
        let received = timeout_at(until, socket.recv(&mut room)).await.ok()?;
        let Ok(length) = received else {
            // A refused port is told here; the time until the next try goes by all the same.
            tokio::time::sleep_until(until).await;
            return None;
        };
        let head = room.get(..length).and_then(|m| m.first_chunk::<4>());
        if let Some(&[a, b, c, d]) = head
            && u16::from_be_bytes([c, d]) & RESPONSE != 0
        {
            return Some(u16::from_be_bytes([a, b]));
        }
    }
}

fn question(apex: &Name) -> Vec<u8> {
    let mut question = apex.wire().to_vec();
    question.extend_from_slice(&SOA.to_be_bytes());
    question.extend_from_slice(&1_u16.to_be_bytes());
    question
}

fn random_id() -> u16 {
    let mut id = [0; 2];
    // Without randomness an id can be guessed, which makes a forged answer: one NOTIFY less.
    let _ = getrandom::fill(&mut id);
    u16::from_be_bytes(id)
}

/// An authoritative NOTIFY.
const NOTIFY: u16 = 4 << 11 | 0x0400;
/// How long an answer is waited for, try by try.
const WAITS: [Duration; 6] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
];
