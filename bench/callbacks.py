"""Callbacks taken a second: our web process beside one Starlette route that appends to a stream.

Both are one uvicorn process on the same Redis without persistence. Thirty-two kept-alive
connections send one callback after the other, JSON or multipart; the sender is a raw asyncio
client. Ours also checks the path's HMAC, bounds size and time of the body, and runs in the whole
web application with its middleware. Both answer only after the append.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from bench import ground, ours
from bench.settle import callbacks

CONNECTIONS = 32


def json_body() -> tuple[str, bytes]:
    """Write a terminal callback as JSON."""
    return "application/json", callbacks("7f3kq2xa-42-1-k3x9p0k3x9", "f" * 32)[-1]


def multipart_body() -> tuple[str, bytes]:
    """Write the same as multipart, nested fields flattened as Exotel does."""
    fields = json.loads(json_body()[1])
    legs = fields.pop("Legs")
    flat = {
        **fields,
        **{
            f"Legs[{n}][{name}]": value for n, leg in enumerate(legs) for name, value in leg.items()
        },
    }
    parts = (
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in flat.items()
    )
    return "multipart/form-data; boundary=edge", ("".join(parts) + "--edge--\r\n").encode()


def request(path: str, content_type: str, body: bytes) -> bytes:
    """Write one HTTP request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _one_connection(port: int, message: bytes, until_s: float, took_s: list[float]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while (began := time.perf_counter()) < until_s:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode().splitlines()[0])
            length = head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            took_s.append(time.perf_counter() - began)
    finally:
        writer.close()


async def _send(port: int, message: bytes, lasts_s: float) -> list[float]:
    took_s: list[float] = []
    until_s = time.perf_counter() + lasts_s
    await asyncio.gather(
        *(_one_connection(port, message, until_s, took_s) for _ in range(CONNECTIONS))
    )
    return took_s


@contextlib.contextmanager
def bare() -> Iterator[tuple[int, str]]:
    """Run the bare route; gives port and path."""
    port = ground.free_port()
    with (
        ground.redis_server() as redis_url,
        ground.process([sys.executable, "-m", "bench.senders.bare_receiver", str(port), redis_url]),
    ):
        ground.until(lambda: ground.listens(port), within_s=20)
        yield port, "/callbacks/exotel/0a1b2c3d/7f3kq2xa-42-1-k3x9p0k3x9/" + "m" * 43


@contextlib.contextmanager
def dialer() -> Iterator[tuple[int, str]]:
    """Run our web process; gives port and a genuine path."""
    port = ground.free_port()
    with ground.redis_server() as redis_url, tempfile.TemporaryDirectory() as folder:
        env = ours.environment(redis_url, "http://127.0.0.1:9", Path(folder), {"PORT": str(port)})
        wired = ours.wiring(env)
        with ours.running(env, ["web"], Path(folder)):
            ground.until(lambda: ground.listens(port), within_s=30)
            yield port, urlsplit(wired.paths.url("7f3kq2xa-42-1-k3x9p0k3x9")).path


RECEIVERS = {"bare Starlette": bare, "dialer": dialer}
BODIES = {"JSON": json_body, "multipart": multipart_body}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lasts-s", type=float, default=4.0)
    parser.add_argument("--repeats", type=int, default=3)
    args = parser.parse_args()
    print(__doc__)
    print(ground.machine())
    rates: dict[tuple[str, str], list[float]] = {}
    p99s: dict[tuple[str, str], list[float]] = {}
    for repeat in range(args.repeats):
        order = list(RECEIVERS)
        for name in reversed(order) if repeat % 2 else order:
            with RECEIVERS[name]() as (port, path):
                for kind, body in BODIES.items():
                    message = request(path, *body())
                    asyncio.run(_send(port, message, 0.5))
                    took_s = asyncio.run(_send(port, message, args.lasts_s))
                    rates.setdefault((kind, name), []).append(len(took_s) / args.lasts_s)
                    p99s.setdefault((kind, name), []).append(1000 * ground.quantile(took_s, 0.99))
    for kind in BODIES:
        ratio = ground.ratio(rates[kind, "dialer"], rates[kind, "bare Starlette"])
        for name in RECEIVERS:
            rate, p99 = ground.spread(rates[kind, name]), ground.spread(p99s[kind, name])
            print(f"{kind:10}{name:16}{rate} requests/s   p99 {p99} ms")
        print(f"{kind:10}ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
