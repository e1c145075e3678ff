"""Exotel simulators for several accounts, each with its own limit and ledger, in one process.

python -m bench.senders.exotels URLS_FILE LIMIT WINDOW_S SID…
"""

import contextlib
import json
import signal
import sys
import threading
from pathlib import Path

from dialer.simulator import SimulatorOptions, running


def main(urls_file: str, limit: str, window_s: str, *sids: str) -> None:
    """Serve until SIGTERM; the file tells each account's address, once all of them answer."""
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    with contextlib.ExitStack() as stack:
        urls = {}
        for sid in sids:
            options = SimulatorOptions(
                account_sid=sid, rate_limit=int(limit), rate_window_s=float(window_s), speed=20.0
            )
            urls[sid] = stack.enter_context(running(options))
        draft = Path(f"{urls_file}.new")
        draft.write_text(json.dumps(urls), encoding="utf-8")
        draft.replace(urls_file)
        ended.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
