"""A worker process that sends as fast as it may; the provider counts inside Redis.

Its words: SOCKET ACCOUNT
"""

import random
import sys
import threading
import time

import redis

from dialer.pacing import Allowance, Pacing
from dialer.store import Database

ALLOWANCE = Allowance(requests=200, window_s=6.0, http_deadline_s=2.0)
THREADS = 6

COUNT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]) * 1000000)
local before = redis.call('ZCARD', KEYS[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('RPUSH', KEYS[2], string.format('%.6f %d', now / 1000000, before + 1))
return before + 1
"""
"""Logs each request exactly, by the clock that hands out the slots, and how many its window holds.
KEYS 1  the window  2  the log: instant and number in the window. ARGV 1  request  2  window, s"""


def main() -> int:
    """Send until killed."""
    _, socket_path, account = sys.argv
    client = redis.Redis(unix_socket_path=socket_path)
    pacing = Pacing(Database(client, account), ALLOWANCE)
    turn = threading.Lock()
    threads = [threading.Thread(target=_send, args=(client, pacing, turn)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0


def _send(client: "redis.Redis", pacing: Pacing, turn: threading.Lock) -> None:
    chance = random.Random()
    count = client.register_script(COUNT)
    while True:
        member = f"{chance.getrandbits(64):x}"
        with turn:  # as in production, one thread of a process asks
            while (wait_s := pacing.take_slot(member)) > 0:
                time.sleep(min(wait_s, 0.2))
        time.sleep(_up_the_line_s(chance))
        count(keys=["provider:window", "provider:log"], args=[member, ALLOWANCE.window_s])
        time.sleep(chance.uniform(0.002, 0.015))
        pacing.answered(member)


def _up_the_line_s(chance: random.Random) -> float:
    return chance.uniform(0.05, 0.5) if chance.random() < 0.02 else chance.uniform(0.002, 0.015)
