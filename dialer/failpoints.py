"""Named places where a test may have this process killed, as a power cut would.

`DIALER_FAILPOINT=gate_passed` kills the process with SIGKILL the first time it gets there,
`gate_passed:3` the third time, `gate_passed:stop` stops it (SIGSTOP); `approached:sale4711-42`
kills it whenever it gets there with that contact. Unset, a place costs one comparison.
"""

import os
import signal
import threading
from collections import Counter

PLACES = {
    "block_stored": "loading: a block of contacts is stored, the next is not",
    "committed": "loading: the file counts, its rejected rows are not written out",
    "added": "adding: contacts that came one at a time are stored, nobody was told",
    "released": "feeder: contacts are handed out, no message is sent",
    "dequeued": "worker: the message is in hand, the gate was not asked",
    "approached": "worker: the contact is about to be read and taken to the gate",
    "gate_passed": "worker: everything is taken and the intent stands in Redis",
    "journaled": "worker: the intent is on the host's disk, the request has not left",
    "sent": "worker: the request is on its way, no answer has come",
    "answered": "worker: the answer is known, nothing of it is written",
    "recorded": "anyone: what became known is written, nothing more was done",
    "dialled": "worker: all is done, the message is not acknowledged",
    "settled": "results: callbacks are settled, the stream still has them",
    "looked_up": "sweeper: the provider answered a look-up, nothing of it is written",
    "restored": "housekeeping: intents were brought back, the host has not reported",
    "handed_in": "housekeeping: a late answer was handed in, others were not",
    "calls_read": "feeder: the provider's calls were read, the hold stands",
}
"""Every place, and what has happened when a process gets there."""

_armed = [""]
_seen: Counter[str] = Counter()
_lock = threading.Lock()


def arm(wanted: str) -> None:
    """Arm a place in this process, as `DIALER_FAILPOINT` does; '' disarms.

    Raises:
        ValueError: Nobody gets there: the place is not known.
    """
    name = wanted.partition(":")[0]
    if name and name not in PLACES:
        raise ValueError(f"DIALER_FAILPOINT {name} is no place; places are {', '.join(PLACES)}")
    _armed[0] = wanted
    _seen.clear()


arm(os.environ.get("DIALER_FAILPOINT", ""))


def reach(name: str, subject: str = "") -> None:
    """Get to a named place, with a subject where there is one; die here if a test wants it."""
    if not _armed[0]:
        return
    wanted, _, how = _armed[0].partition(":")
    if wanted != name:
        return
    with _lock:
        _seen[name] += 1
        if how == "stop":
            if _seen[name] == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
        elif how == subject != "" or how in {str(_seen[name]), ""}:
            os.kill(os.getpid(), signal.SIGKILL)
