"""Facts settled a second by one results process: each call told three times, some twice, all shuffled.

    calls are placed ─▶ their callbacks go to the stream ─▶ one consumer settles them ─▶ facts/s

A fact is one callback. Two in three of a call change its attempt, the rest repeat what is known. Each
attempt that ends is a line of the log, in a file.
"""

import gc
import random
import tempfile
import threading
import time
from statistics import median

from bench import ground, ours
from bench.chart import Bar
from bench.result import Plot, Result, Table, arguments, begin, publish
from dialer import logs
from dialer.dialing.dialing import Dialled
from workers.results import settle_in_background
from workers.wiring import Wiring

NOT_SHOWN = """
More consumers than one: they share the stream, and Redis. Calls whose next attempt is due at once
make work for the feeder, which is not running here."""

IN_MEMORY = "no persistence"
_DOUBLED = 0.2


def place_calls(wired: Wiring, calls: int) -> list[Dialled]:
    """Dial a fresh campaign."""
    ours.start(wired, ours.load(wired, calls))
    wired.feeding.keep_schedules()
    done: list[Dialled] = []
    while released := wired.feeding.tick().released:
        for one in released:
            answer = wired.dialing.dial(one.contact, one.token)
            if isinstance(answer, Dialled):
                done.append(answer)
    return done


def store_callbacks(wired: Wiring, placed: list[Dialled]) -> int:
    """Append the callbacks of all calls, some twice, in any order; gives how many."""
    facts = [
        (str(one.attempt_id), body)
        for one in placed
        for body in ours.callbacks(str(one.attempt_id), str(one.attempt.sid))
    ]
    facts += random.sample(facts, int(len(facts) * _DOUBLED))
    random.shuffle(facts)
    with wired.redis.pipeline(transaction=False) as pipe:
        for attempt_id, body in facts:
            fields = wired.callback_inbox.fields(
                attempt_id=attempt_id, content_type="application/json", body=body
            )
            pipe.xadd(wired.callback_inbox.key, dict(fields))  # type: ignore[arg-type]  # bytes and text are fine
        pipe.execute()
    return len(facts)


def settle(wired: Wiring) -> float:
    """Settle all that waits, as a results process does; gives the seconds it took."""
    stop = threading.Event()
    gc.freeze()  # as `dialer results` does when it starts
    began = time.perf_counter()
    threads = settle_in_background(wired, stop)
    # to ask a hundred times a second took a tenth of what is measured
    ground.until(lambda: not wired.callback_inbox.waiting(), within_s=600, every_s=0.05)
    took_s = time.perf_counter() - began
    stop.set()
    for thread in threads:
        thread.join()
    return took_s


def facts_per_s(calls: int, *, appendonly: bool) -> tuple[float, float]:
    """Measure once; gives facts a second, and CPU of the process a fact, µs."""
    with ours.installed(ours.UNPACED, appendonly=appendonly) as here:
        wired = here.wired
        placed = place_calls(wired, calls)
        facts = store_callbacks(wired, placed)
        cpu_s = time.process_time()
        took_s = settle(wired)
        cpu_s = time.process_time() - cpu_s
        still_open = wired.redis.zcard(wired.db.key("open"))
        if still_open:
            raise RuntimeError(f"{still_open} of {calls} calls were not settled")
        return facts / took_s, 1e6 * cpu_s / facts


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    run = begin(__doc__)
    with tempfile.TemporaryFile("w") as lines:
        logs.set_up(log_format="json", to=lines)
        runs = {
            how: [facts_per_s(args.calls, appendonly=appendonly) for _ in range(args.repeats)]
            for how, appendonly in ((IN_MEMORY, False), ("appendfsync always", True))
        }
    rates = {how: [rate for rate, _ in found] for how, found in runs.items()}
    rows = (
        (f"dialer, {how}", ground.spread(rates[how]), ground.spread([cpu for _, cpu in found]))
        for how, found in runs.items()
    )
    bars = (
        Bar(how, median(found), f"{median(found):,.0f}", is_ours=True)
        for how, found in rates.items()
    )
    result = Result(
        title="Settling",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.calls:,} calls, {ground.times(args.repeats)}.",
        values={"facts_per_s": median(rates[IN_MEMORY])},
        tables=(Table(("one process", "facts/s", "CPU a fact, µs"), tuple(rows)),),
        plots=(Plot("Facts settled a second", tuple(bars), goal=8_000),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
