"""Sends as fast as a rate limiter of somebody else's allows: six threads, until killed.

python -m bench.senders.limited NAME REDIS_URL PROVIDER_URL WINDOW_S

Each thread acquires, sends, and begins again; where a limiter cannot wait by itself, it is asked
every 10 ms. That is how these libraries are used in front of an HTTP call.
"""

import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from bench.forms import form

LIMIT = 200
THREADS = 6
_ASK_AGAIN_S = 0.01

Acquire = Callable[[], Any]
"""Take one permit; false when there is none now."""


def dramatiq_window(redis_url: str, window_s: float) -> Acquire:
    from dramatiq.rate_limits import WindowRateLimiter
    from dramatiq.rate_limits.backends import RedisBackend

    limiter = WindowRateLimiter(
        RedisBackend(url=redis_url), "window", limit=LIMIT, window=int(window_s)
    )
    return limiter._acquire


def dramatiq_bucket(redis_url: str, window_s: float) -> Acquire:
    from dramatiq.rate_limits import BucketRateLimiter
    from dramatiq.rate_limits.backends import RedisBackend

    limiter = BucketRateLimiter(
        RedisBackend(url=redis_url), "bucket", limit=LIMIT, bucket=int(window_s * 1000)
    )
    return limiter._acquire


def _limits(strategy: str, redis_url: str, window_s: float) -> Acquire:
    from limits import RateLimitItemPerSecond, storage, strategies

    limiter = getattr(strategies, strategy)(storage.RedisStorage(redis_url))
    item = RateLimitItemPerSecond(LIMIT, int(window_s))
    return lambda: limiter.hit(item, "account")


def limits_moving(redis_url: str, window_s: float) -> Acquire:
    return _limits("MovingWindowRateLimiter", redis_url, window_s)


def limits_counter(redis_url: str, window_s: float) -> Acquire:
    return _limits("SlidingWindowCounterRateLimiter", redis_url, window_s)


def pyrate_limiter(redis_url: str, window_s: float) -> Acquire:
    import redis
    from pyrate_limiter import Limiter, Rate, RedisBucket

    bucket = RedisBucket.init(
        [Rate(LIMIT, int(window_s * 1000))], redis.Redis.from_url(redis_url), "pyrate"
    )
    limiter = Limiter(bucket)
    return lambda: limiter.try_acquire("account", blocking=False)


def throttled_gcra(redis_url: str, window_s: float) -> Acquire:
    return _throttled("gcra", LIMIT, redis_url, window_s)


def throttled_gcra_1(redis_url: str, window_s: float) -> Acquire:
    return _throttled("gcra", 1, redis_url, window_s)


def throttled_sliding(redis_url: str, window_s: float) -> Acquire:
    return _throttled("sliding_window", LIMIT, redis_url, window_s)


def _throttled(using: str, burst: int, redis_url: str, window_s: float) -> Acquire:
    from throttled import Throttled, rate_limiter, store

    throttle = Throttled(
        key="account",
        using=using,
        quota=rate_limiter.per_duration(timedelta(seconds=window_s), limit=LIMIT, burst=burst),
        store=store.RedisStore(server=redis_url),
    )
    return lambda: not throttle.limit().limited


LIMITERS = {
    "dramatiq-window": dramatiq_window,
    "dramatiq-bucket": dramatiq_bucket,
    "limits-moving": limits_moving,
    "limits-counter": limits_counter,
    "pyrate-limiter": pyrate_limiter,
    "throttled-gcra": throttled_gcra,
    "throttled-gcra-burst-1": throttled_gcra_1,
    "throttled-sliding": throttled_sliding,
}


def send(acquire: Acquire, provider_url: str) -> None:
    """Send for ever."""
    with httpx.Client(timeout=45, trust_env=False) as http:
        n = 0
        while True:
            while not acquire():
                time.sleep(_ASK_AGAIN_S)
            n += 1
            http.post(f"{provider_url}/v1/Accounts/demo/Calls/connect.json", data=form(n))


def main(name: str, redis_url: str, provider_url: str, window_s: str) -> None:
    """Send until killed."""
    acquire = LIMITERS[name](redis_url, float(window_s))
    for _ in range(THREADS):
        threading.Thread(target=send, args=(acquire, provider_url), daemon=True).start()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
