"""Named places where a test may have this process killed, as a power cut would.

`DIALER_FAILPOINT=gate_passed` kills the process with SIGKILL the first time it gets there,
`gate_passed:3` the third time, `gate_passed:stop` stops it (SIGSTOP). Unset, a place costs one
comparison.
"""

import os
import signal
import threading
from collections import Counter

_ARMED = os.environ.get("DIALER_FAILPOINT", "")
_seen: Counter[str] = Counter()
_lock = threading.Lock()


def reach(name: str) -> None:
    """Get to a named place; die here if a test wants it."""
    if not _ARMED:
        return
    wanted, _, how = _ARMED.partition(":")
    if wanted != name:
        return
    with _lock:
        _seen[name] += 1
        if how == "stop":
            if _seen[name] == 1:
                os.kill(os.getpid(), signal.SIGSTOP)
        elif _seen[name] == int(how or 1):
            os.kill(os.getpid(), signal.SIGKILL)
