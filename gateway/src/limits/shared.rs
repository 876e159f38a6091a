//! Rates across the gateways of a fleet. Each process decides by itself and at once; several times a second it tells Redis how
//! many requests each asker has made here, hears how many there were in all, and counts those made elsewhere as its own. So no
//! request waits for Redis, and whoever spreads over all gateways is let through for a moment, not for good. What is counted is
//! forgotten after a while; with Redis gone each process counts alone. The gateway's two doors count each for itself: a department's
//! programs do not use up what its people have.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::rate::Buckets;
use super::{Asker, Bounds};
use crate::redis_link::RedisLink;

/// Pause between two exchanges.
const EXCHANGE_EVERY: Duration = Duration::from_millis(250);
/// Askers told in one exchange at the most; the others count here alone.
const ASKERS_MAX: usize = 10_000;
/// For how long a count in Redis lives from its first request. What was asked before has been earned again by most.
const COUNT_LIFE: Duration = Duration::from_secs(1);

/// Where requests come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Pages and JSON.
    Web,
    /// The gRPC front.
    Front,
}

/// What a process knows of the counts in Redis.
pub struct Shared {
    redis: RedisLink,
    door: Door,
    /// The count of each asker when it was last heard.
    heard: HashMap<Asker, (u64, Instant)>,
    count_life: Duration,
}

impl Shared {
    /// Counts of this door, over this Redis.
    pub fn new(redis: RedisLink, door: Door) -> Self {
        Self { redis, door, heard: HashMap::new(), count_life: COUNT_LIFE }
    }

    /// With counts that live longer, for slow machines.
    #[must_use]
    pub fn with_count_life(self, count_life: Duration) -> Self {
        Self { count_life, ..self }
    }

    /// Exchanges counts, without end.
    pub async fn keep(mut self, bounds: &Bounds) {
        loop {
            tokio::time::sleep(EXCHANGE_EVERY).await;
            for buckets in bounds.rates() {
                self.exchange(buckets).await;
            }
        }
    }

    /// Tells what was asked here and hears what was asked elsewhere.
    pub async fn exchange(&mut self, buckets: &Buckets<Asker>) {
        let told: Vec<(Asker, u32)> = buckets.untold().into_iter().take(ASKERS_MAX).collect();
        if told.is_empty() {
            return;
        }
        let mut pipe = redis::pipe();
        for (asker, requests) in &told {
            let key = key(self.door, asker);
            pipe.cmd("INCRBY").arg(&key).arg(*requests);
            pipe.cmd("EXPIRE").arg(&key).arg(self.count_life.as_secs().max(1)).arg("NX").ignore();
        }
        let Some(counts) = self.redis.run_all::<Vec<u64>>(&pipe).await else { return };
        let now = Instant::now();
        let life = self.count_life;
        self.heard.retain(|_, (_, at)| now.duration_since(*at) < life);
        for ((asker, requests), count) in told.into_iter().zip(counts) {
            // One that has become smaller is a new one.
            let before = self.heard.get(&asker).map_or(0, |(count, _)| *count);
            let before = if before > count { 0 } else { before };
            let elsewhere = (count - before).saturating_sub(u64::from(requests));
            if elsewhere > 0 {
                buckets.spend(&asker, u32::try_from(elsewhere).unwrap_or(u32::MAX), now);
            }
            self.heard.insert(asker, (count, now));
        }
    }
}

/// Where an asker's count is kept. Of secrets only the digest.
fn key(door: Door, asker: &Asker) -> String {
    let door = match door {
        Door::Web => "rate:web",
        Door::Front => "rate:front",
    };
    match asker {
        Asker::Address(address) => format!("{door}:address:{address}"),
        Asker::Client(digest) => format!("{door}:client:{}", hex::encode(digest)),
    }
}
