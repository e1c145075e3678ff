"""What stands atop every page while something keeps the account from its work, with what mends it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from campaigns.sentence import capital, told
from dialer.store import Database, Holds
from dialer.watching.health import AccountStops
from dialer.watching.living import Living


@dataclass(frozen=True, slots=True)
class Banner:
    """One thing that is wrong, and the button that mends it.

    Args:
        sentence: What is wrong, and what follows.
        is_stop: Nothing is dialled while it lasts.
        button: For whoever administers; '' where no press mends it.
        asks: What is asked before it is done.
        fields: Of the form that is sent to `/health/hold`.
    """

    sentence: str
    is_stop: bool = True
    button: str = ""
    asks: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def banners(db: Database, stops: AccountStops, processes: Living) -> list[Banner]:
    """Tell all that keeps the account from its work."""
    return [*_stops(db, stops), *_processes(processes)]


def _stops(db: Database, stops: AccountStops) -> Iterator[Banner]:
    held = Holds(db).read() if stops.hold else None
    if held and held.hand:
        yield Banner(
            told("Held by hand: {why}", why=held.hand.why),
            button=told("End the hold"),
            asks=told("End the hold that was set by hand? Campaigns that run dial on at once."),
            fields={"do": "release", "hold": held.hand.id},
        )
    if held and held.machine:
        yield Banner(
            told("On hold: {why}. Dialling goes on by itself when it is safe", why=held.machine.why)
        )
    if stops.stopped:
        yield Banner(
            told("The provider refuses the account: {why}", why=stops.stopped),
            button=told("It is mended, dial on"),
            asks=told(
                "Dial on? If the account is still refused, it stops again with the next call."
            ),
            fields={"do": "lift_stop"},
        )
    if stops.capped:
        yield Banner(capital(stops.capped))


def _processes(processes: Living) -> Iterator[Banner]:
    if processes.says:
        yield Banner(processes.says)
    for role, (sentence, is_stop) in _WITHOUT.items():
        if role in processes.missing:
            yield Banner(sentence, is_stop)


_WITHOUT = {
    "feeder": (told("No feeder gives a sign of life, so no contact is released"), True),
    "worker": (told("No worker gives a sign of life, so no request is sent"), True),
    "results": (
        told(
            "No results process gives a sign of life, so calls that end are not settled and agents stay taken"
        ),
        False,
    ),
}
