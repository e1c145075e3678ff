"""`dialer hold …` and `dialer account …`: what stops all campaigns of the account at once."""

from typing import Annotated

import typer
from rich.markup import escape

from dialer.account_day import Today
from dialer.dialing.resuming import resume_account
from dialer.store import Hold
from dialer.store.account import Stop, read_stop
from workers.cli.faults import JobFailed
from workers.cli.instants import iso, local
from workers.cli.printing import AsJson, answer, say, say_json
from workers.cli.session import open_wiring
from workers.documents.today import TodayDocument


def show_hold(*, as_json: AsJson = False) -> None:
    """Show whether and why nothing is dialled."""
    wiring = open_wiring()
    found, zone = wiring.holds.read(), wiring.zone
    if as_json:
        say_json(
            {
                "held": found is not None,
                "why": found.why if found else None,
                "since": iso(found.since) if found else None,
                "by_hand": found.by_hand if found else None,
                "lost": found.lost if found else None,
                "waiting_for": list(found.waiting_for) if found else [],
                "restored": found.restored if found else 0,
                "not_known": list(found.not_known) if found else [],
            }
        )
        return
    if found is None:
        say("There is no hold: campaigns that run are dialled.")
        return
    if found.hand:
        say(f"Held by hand since {local(found.hand.since, zone)}: {escape(found.hand.why)}.")
        say("That ends by hand: dialer hold release")
    if found.machine:
        say(f"On hold since {local(found.machine.since, zone)}: {escape(found.machine.why)}.")
        say("That ends by itself once every worker host has told what it sent.")
        _say_not_known(found)
    if found.restored:
        say(f"Attempts brought back from the hosts' journals: {found.restored}.")


def set_hold(
    why: Annotated[str, typer.Argument(metavar="WHY", help="Shown to everybody who asks.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Stop all dialling of all campaigns until it is released by hand; live calls end as usual."""
    open_wiring().holds.set_by_hand(why)
    text = "Nothing is dialled from now on. Go on with: dialer hold release"
    answer({"held": True, "why": why}, text, as_json=as_json)


def release_hold(
    *,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask, whatever is not known yet: for scripts.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let dialling go on.

    A hold by hand ends. One that began because Redis may have lost records ends by itself when it is
    safe; what is not known yet is named, and you are asked whether to end it before: somebody who is
    on a call already may then be called again. A no leaves it standing.
    """
    holds = open_wiring().holds
    found = holds.read()
    if found:
        machine = found.machine if found.by_hand or yes or _confirmed(found) else None
        if not holds.release(hand=found.hand, machine=machine):
            raise JobFailed("another hold was set meanwhile; look at it: dialer hold show")
    stands = holds.read()
    if as_json:
        say_json({"held": stands is not None, "was_held": found is not None})
    elif stands:
        say(f"Nothing is dialled: {escape(stands.why)}. See: dialer hold show")
    else:
        say("Dialling goes on." if found else "There was no hold.")


def _confirmed(found: Hold) -> bool:
    """Name what is not known, and ask whether to dial even so; a no leaves only what is by hand.

    Raises:
        typer.Abort: No, and nothing is by hand.
    """
    _say_not_known(found, to_stderr=True)
    question = "This hold ends by itself when it is safe. Release it all the same?"
    return typer.confirm(question, abort=found.hand is None, err=True)


def _say_not_known(found: Hold, *, to_stderr: bool = False) -> None:
    for one in found.not_known:
        typer.echo(f"Not known yet: {one}.", err=to_stderr)


def show_account(*, as_json: AsJson = False) -> None:
    """Show whether the provider takes our requests, and why not."""
    wiring = open_wiring()
    found, zone = read_stop(wiring.db), wiring.zone
    if as_json:
        say_json(_as_json(found))
    elif found is None:
        say("The provider takes our requests.")
    else:
        probe = (
            f"Tried again by one contact at {local(found.probe_at, zone)}."
            if found.probe_at
            else "It is not tried again by itself."
        )
        say(f"Stopped since {local(found.since, zone)}: {escape(found.why)}. {probe}")
        say("Once the cause is mended: dialer account resume")


def resume(*, as_json: AsJson = False) -> None:
    """Dial again, after what stopped the account was mended: the balance, the key, the caller id."""
    was_stopped = resume_account(open_wiring().db)
    text = "Dialling goes on." if was_stopped else "The account was not stopped."
    answer({"stopped": False, "was_stopped": was_stopped}, text, as_json=as_json)


def show_today(*, as_json: AsJson = False) -> None:
    """Show what all campaigns have used of the account's day, and what they may."""
    _tell_today(open_wiring().account_day.read(), as_json=as_json)


def raise_caps(
    *,
    calls: Annotated[int, typer.Option(min=0, help="So many more calls.")] = 0,
    minutes: Annotated[int, typer.Option(min=0, help="So many more minutes.")] = 0,
    spend: Annotated[int, typer.Option(min=0, help="So much more, in the billing currency.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Let the account use more today; tomorrow the settings count again.

    After a setting was raised and the workers restarted, raise by nothing: they are asked anew.
    """
    today = open_wiring().account_day.add_for_today(calls=calls, minutes=minutes, spend=spend)
    _tell_today(today, as_json=as_json)


def _tell_today(today: Today, *, as_json: bool) -> None:
    if as_json:
        say_json(TodayDocument.of(today))
        return
    for name, one in zip(("calls", "minutes", "spend"), today.uses, strict=True):
        of = f" of {one.most:,.0f}" if one.most else ", no cap"
        added = f", {one.added:,.0f} of them added for today" if one.added else ""
        say(f"{name}: {one.used:,.0f}{of}{added}")
    if today.burst:
        say(f"A burst: {today.burst}.")
    if today.reached:
        say(f"Nothing is dialled: {escape(today.reached)}.")


def _as_json(stop: Stop | None) -> dict[str, object]:
    return {
        "stopped": stop is not None,
        "why": stop.why if stop else None,
        "since": iso(stop.since) if stop else None,
        "probe_at": iso(stop.probe_at) if stop else None,
    }
