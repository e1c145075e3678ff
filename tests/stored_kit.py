"""What the code of an earlier version stored, put back as it was, for the code of today."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import redis

from tests.account_kit import Account
from tests.virtual_time import VirtualDatabase

STORED = Path(__file__).parent / "stored"


def put_back(client: "redis.Redis", version: str) -> dict[str, Any]:
    """Put back what a version stored; gives what was noted beside it."""
    noted: dict[str, Any] = json.loads(
        gzip.decompress((STORED / f"{version}.json.gz").read_bytes())
    )
    for key, dumped in noted["keys"].items():
        client.restore(key, 0, base64.b64decode(dumped))
    # the same server under new code, else all is held until the journals were read
    client.hset("dialer:{old}:account", "run_id", client.info("server")["run_id"])
    return noted


def account_of(client: "redis.Redis", noted: dict[str, Any], folder: Path) -> Account:
    """Open the account that it stored, at the instant at which it did."""
    db = VirtualDatabase(client, "old")
    db.clock_s = noted["clock_s"]
    return Account(db, folder)
