"""Stored callbacks become settled attempts."""

import gc
import threading
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import redis

from campaigns.settlement import Conflict
from dialer import failpoints
from dialer.clock import boottime_s
from dialer.errors import CallbackRejected
from dialer.exotel import read_callback
from dialer.ids import AttemptId
from dialer.logger import get_logger
from dialer.meters import CALLBACK_TO_SETTLED
from dialer.settling.settling import Heard
from dialer.store import Fact
from dialer.store.callback_inbox import NO_ATTEMPT, UNSETTLED
from dialer.store.campaign import RulesUnreadable
from dialer.store.database import may_pass
from workers.alerting import watch_in_background
from workers.heartbeat import beating
from workers.redis_fitness import tell_exposures
from workers.stopping import stop_on_signals
from workers.wiring import Wiring, process_name

log = get_logger(__name__)

_TOGETHER = 3
_BATCH = 200
_WAIT_S = 3.0
_LEFT_ALONE_S = 15.0
_GONE_S = 600.0
_AFTER_FAULT_S = 0.5


def run(wirings: Sequence[Wiring]) -> int:
    """Settle until a signal says stop; each account in threads of its own."""
    tell_exposures(wirings[0].settings)
    stop = stop_on_signals()
    gc.freeze()  # what is there now stays: to look through it again and again is a tenth of the work
    with beating(wirings, role="results"):
        threads = [thread for one in wirings for thread in settle_in_background(one, stop)]
        for wiring in wirings:
            watch_in_background(wiring, stop)
        for thread in threads:
            thread.join()
    return 0


def settle_in_background(wiring: Wiring, stop: threading.Event) -> list[threading.Thread]:
    """Settle what comes: in one thread, and where that is not enough, in more of them.

    While one of them waits for Redis, another reads callbacks.
    """
    is_much = threading.Event()
    threads = [
        threading.Thread(
            target=_consume, args=(wiring, stop, is_much, nth), name=f"results {wiring.name} {nth}"
        )
        for nth in range(_TOGETHER)
    ]
    for thread in threads:
        thread.start()
    return threads


def _consume(wiring: Wiring, stop: threading.Event, is_much: threading.Event, nth: int) -> None:
    inbox = wiring.callback_inbox
    consumer = f"{process_name()}/{nth}"
    took_over_at = float("-inf")
    ready = False
    while not stop.is_set():
        if nth and not is_much.wait(_WAIT_S):
            continue
        try:
            if not ready:
                inbox.ensure_group()
                ready = True
            now_s = boottime_s()
            if not nth and now_s - took_over_at > _LEFT_ALONE_S:  # one of them is enough
                settle_left(wiring, consumer)
                inbox.forget_consumers(silent_s=_GONE_S)
                took_over_at = now_s
            facts = inbox.read(consumer, most=_BATCH, wait_s=0 if nth else _WAIT_S)
            # more wait than fit; who settles last sees that nothing does
            (is_much.set if len(facts) == _BATCH else is_much.clear)()
            settle_all(wiring, facts)
        except redis.RedisError as error:
            # unacknowledged callbacks stay in the stream and come again
            log.warning("settling_failed", message=str(error))
            ready = False
            stop.wait(_AFTER_FAULT_S)
        except Exception:
            # a thread that ended would leave all that comes after to the sweeper
            log.exception("settling_failed")
            stop.wait(_AFTER_FAULT_S)


def settle_left(wiring: Wiring, consumer: str, *, idle_s: float = _LEFT_ALONE_S) -> None:
    """Settle all that consumers read and left: they died, with a batch for each of their threads.

    What cannot be settled yet is not idle for a while, so it is not taken up again here.
    """
    while facts := wiring.callback_inbox.take_over(consumer, idle_s=idle_s, most=_BATCH):
        settle_all(wiring, facts)


def settle_all(wiring: Wiring, facts: Sequence[Fact]) -> None:
    """Settle a batch and forget it; a crash in between only repeats it, which changes nothing."""
    if not facts:
        return
    try:
        _settle(wiring, facts)
    except Exception as error:
        if may_pass(error):
            raise
        # one that cannot be settled must not hold up all that came with it
        ids = [fact.attempt_id for fact in facts]
        log.warning("batch_not_settled", attempts=ids, message=str(error))
        facts = [fact for fact in facts if _is_dealt_with(wiring, fact)]
    failpoints.reach("settled")
    if facts:
        wiring.callback_inbox.done(facts)
        now_s = wiring.db.now()
        waited_s = [now_s - fact.received_at for fact in facts]
        wiring.db.meters.observe_all(CALLBACK_TO_SETTLED, waited_s)


def _is_dealt_with(wiring: Wiring, fact: Fact) -> bool:
    """Settle a fact, or set it aside; one that only a newer version can settle waits for that."""
    try:
        _settle(wiring, [fact])
    except RulesUnreadable as error:
        # its message says all
        log.error("callback_left", attempt_id=fact.attempt_id, message=str(error))  # noqa: TRY400
        return False
    except Exception as error:
        if may_pass(error):
            raise
        log.exception("callback_not_settled", attempt_id=fact.attempt_id)
        wiring.callback_inbox.set_aside(fact, why=UNSETTLED)
    return True


def _settle(wiring: Wiring, facts: Sequence[Fact]) -> None:
    zone = ZoneInfo(wiring.settings.exotel_timezone)
    readings = [(fact, _read(fact, zone)) for fact in facts]
    heard = [(fact, one) for fact, one in readings if isinstance(one, Heard)]
    answers = wiring.settling.report_all([one for _, one in heard])
    unreadable = [(fact, why) for fact, why in readings if isinstance(why, str)]
    unplaced = [
        (fact, answer.why)
        for (fact, _), answer in zip(heard, answers, strict=True)
        if isinstance(answer, Conflict)
    ]
    for fact, why in unreadable + unplaced:
        log.warning("callback_set_aside", attempt_id=fact.attempt_id, why=why)
        wiring.callback_inbox.set_aside(fact, why=why)
    _look_again(wiring, [fact.attempt_id for fact, why in unplaced if why == NO_ATTEMPT])


def _look_again(wiring: Wiring, missing: Sequence[str]) -> None:
    """Take callbacks up again whose attempts came back from a journal while they were set aside.

    Whoever brings an attempt back looks through what was set aside; one of the two sees the other.
    """
    ids = [id_ for one in missing if (id_ := AttemptId.parse(one))]
    if ids:
        found = zip(ids, wiring.attempts.get_many(ids), strict=True)
        back = {str(id_) for id_, attempt in found if attempt}
        if back:
            wiring.callback_inbox.take_up_again(back)


def _read(fact: Fact, zone: ZoneInfo) -> Heard | str:
    """Read a callback, or tell why it cannot be used."""
    id_ = AttemptId.parse(fact.attempt_id)
    try:
        report = read_callback(fact.body, fact.content_type, timezone=zone)
    except CallbackRejected as error:
        # the path was genuine, so it tells at least that there is a call: the sweeper will ask
        return f"unreadable: {error}"
    return Heard(id_, report, fact.received_at) if id_ else "not an attempt id"
