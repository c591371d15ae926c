//! The rules of `vivero_core::shared` as scripts: each runs as a whole, on the server's clock.

use redis::aio::MultiplexedConnection;
use redis::{RedisResult, Script};
use std::time::Duration;
use vivero_core::shared::{Backoff, Decision, Quota};

/// `Quota::decide`. Arguments: interval, burst, cost.
const TAKE: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local arrival = tonumber(redis.call('GET', KEYS[1]) or now)
if arrival < now then arrival = now end
local tolerance = interval * burst
local left = function(at) return math.max(0, math.floor((now + tolerance - at) / interval)) end
if cost > burst then return {0, left(arrival), -1} end
local following = arrival + interval * cost
local earliest = following - tolerance
if earliest > now then return {0, left(arrival), earliest - now} end
if following > now then
  redis.call('SET', KEYS[1], string.format('%.0f', following), 'PX', math.ceil((following - now) / 1000) + 1)
end
return {1, left(following), 0}";

/// `Backoff::wait` after one more failure. Arguments: free failures, seconds until all are forgotten,
/// seconds to wait after each further one.
const FAILED: &str = r"
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local n = redis.call('HINCRBY', KEYS[1], 'failures', 1)
if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
local step = math.min(n - tonumber(ARGV[1]), #ARGV - 2)
local wait = 0
if step >= 1 then wait = tonumber(ARGV[2 + step]) end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', now + wait * 1000000))
return wait";

const WAIT: &str = r"
local at = redis.call('HGET', KEYS[1], 'next')
if not at then return 0 end
local t = redis.call('TIME')
return math.max(0, tonumber(at) - (t[1] * 1000000 + t[2]))";

/// The scripts with their hashes.
#[derive(Debug)]
pub(super) struct Scripts {
    take: Script,
    failed: Script,
    wait: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        Self { take: Script::new(TAKE), failed: Script::new(FAILED), wait: Script::new(WAIT) }
    }
}

impl Scripts {
    pub(super) async fn take(
        &self,
        mut connection: MultiplexedConnection,
        key: String,
        quota: Quota,
        cost: u32,
    ) -> RedisResult<Decision> {
        let (allowed, remaining, wait): (u8, u32, i64) = self
            .take
            .key(key)
            .arg(quota.interval_micros())
            .arg(quota.burst())
            .arg(cost)
            .invoke_async(&mut connection)
            .await?;
        let retry_after = u64::try_from(wait).map_or(Duration::MAX, Duration::from_micros);
        Ok(Decision { allowed: allowed == 1, remaining, retry_after })
    }

    pub(super) async fn failed(
        &self,
        mut connection: MultiplexedConnection,
        key: String,
        backoff: Backoff,
    ) -> RedisResult<Duration> {
        let mut call = self.failed.key(key);
        call.arg(backoff.free).arg(backoff.forget_after);
        for wait in backoff.waits {
            call.arg(*wait);
        }
        let wait: u64 = call.invoke_async(&mut connection).await?;
        Ok(Duration::from_secs(wait))
    }

    pub(super) async fn wait(
        &self,
        mut connection: MultiplexedConnection,
        key: String,
    ) -> RedisResult<Duration> {
        let wait: u64 = self.wait.key(key).invoke_async(&mut connection).await?;
        Ok(Duration::from_micros(wait))
    }
}
