"""`dialer simulator`: an Exotel that rings no phone."""

import json
from collections.abc import Callable, Iterable
from enum import EnumType
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from campaigns.plain_text import did_you_mean
from dialer.simulator import CallbackTrouble, Fate, Fault, SimulatorOptions, Trouble, serve
from workers.cli.faults import WrongUse
from workers.cli.printing import note

_account, _limit, _calls, _answers, _callbacks = (
    partial(typer.Option, rich_help_panel=f"The {panel}")
    for panel in ("account", "limit", "calls", "answers", "callbacks")
)
_DEFAULT = SimulatorOptions()

T = TypeVar("T")


def simulator(
    *,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on loopback.")] = 8080,
    account_sid: Annotated[str, _account(help="The only account there is.")] = _DEFAULT.account_sid,
    api_key: Annotated[str, _account(help="User name of Basic auth.")] = _DEFAULT.api_key,
    api_token: Annotated[str, _account(help="Password of Basic auth.")] = _DEFAULT.api_token,
    caller_id: Annotated[
        list[str] | None,
        _account(help="An ExoPhone; others are refused. None: all pass."),
    ] = None,
    dnd: Annotated[
        list[str] | None,
        _account(metavar="NUMBER", help="Refused as on the DND list."),
    ] = None,
    balance: Annotated[
        float, _account(help="Its money, of which calls are paid.")
    ] = _DEFAULT.balance,
    limit: Annotated[int, _limit(min=1, help="Requests in any window.")] = _DEFAULT.rate_limit,
    window: Annotated[float, _limit(help="Length of the window, s.")] = _DEFAULT.rate_window_s,
    reads_share_limit: Annotated[
        bool, _limit(help="Look-ups count too.")
    ] = _DEFAULT.reads_share_limit,
    count_rejected: Annotated[
        bool, _limit(help="A 429 fills the window as well.")
    ] = _DEFAULT.count_rejected,
    retry_after: Annotated[
        bool, _limit(help="Send Retry-After with a 429.")
    ] = _DEFAULT.retry_after,
    speed: Annotated[float, _calls(help="Call seconds per real second.")] = _DEFAULT.speed,
    seed: Annotated[int, _calls(help="Decides each call's fate.")] = _DEFAULT.seed,
    outcome: Annotated[
        list[str] | None,
        _calls(metavar="FATE=WEIGHT", help=f"Replaces the usual mix. Fates: {', '.join(Fate)}."),
    ] = None,
    scripts: Annotated[
        Path | None,
        _calls(
            exists=True,
            dir_okay=False,
            help='JSON: {"+919000000101": ["customer_busy", "connected"]}; the last fate stays.',
        ),
    ] = None,
    ring: Annotated[str, _calls(metavar="FROM-TO", help="Ringing, call s.")] = "3-20",
    talk: Annotated[str, _calls(metavar="FROM-TO", help="Talking, call s.")] = "10-180",
    values_late: Annotated[
        int,
        _calls(help="Price and duration come so late, call s."),
    ] = _DEFAULT.values_late_s,
    latency: Annotated[str, _answers(metavar="FROM-TO", help="Time to answer, ms.")] = "50-300",
    fault: Annotated[
        list[str] | None,
        _answers(
            metavar="NAME=P",
            help="Share of connects that meet it, 0–1: reset=0.02, 500+placed=0.01 (the call exists "
            f"all the same). Names: {', '.join(Trouble)}.",
        ),
    ] = None,
    read_fault: Annotated[
        list[str] | None,
        _answers(metavar="NAME=P", help="The same for look-ups."),
    ] = None,
    hang: Annotated[
        float, _answers(help="A hanging request is dropped after, s.")
    ] = _DEFAULT.hang_s,
    callback_fault: Annotated[
        list[str] | None,
        _callbacks(
            metavar="NAME=P",
            help=f"Share of callbacks that meet it, 0–1. Names: {', '.join(CallbackTrouble)}.",
        ),
    ] = None,
    callback_late: Annotated[
        str,
        _callbacks(metavar="FROM-TO", help="How late is late, s."),
    ] = "5-30",
) -> None:
    """Run an Exotel that rings no phone: same requests, answers, callbacks, limit and faults.

    Its books are at /_simulator/ledger, its judgement at /_simulator/verdict.

    **Examples**

      dialer simulator --speed 20

      dialer simulator --fault 500+placed=0.05 --callback-fault lost=0.1 --latency 50-900
    """
    try:
        options = SimulatorOptions(
            account_sid=account_sid,
            api_key=api_key,
            api_token=api_token,
            caller_ids=frozenset(caller_id or ()),
            dnd_numbers=frozenset(dnd or ()),
            balance=balance,
            rate_limit=limit,
            rate_window_s=window,
            reads_share_limit=reads_share_limit,
            count_rejected=count_rejected,
            retry_after=retry_after,
            speed=speed,
            seed=seed,
            outcomes=read_weights(outcome, Fate) if outcome else _DEFAULT.outcomes,
            scripted=_read_scripts(scripts) if scripts else {},
            ring_s=read_whole_span(ring),
            talk_s=read_whole_span(talk),
            values_late_s=values_late,
            latency_ms=_span(latency),
            faults=read_weights(fault or (), Fault.parse),
            read_faults=read_weights(read_fault or (), Fault.parse),
            hang_s=hang,
            callback_faults=read_weights(callback_fault or (), CallbackTrouble),
            callback_late_s=_span(callback_late),
        )
    except ValueError as error:
        raise WrongUse(str(error)) from None
    says = f"Exotel simulator on http://127.0.0.1:{port}, account {account_sid}; Ctrl-C ends it."
    try:
        serve(options, port=port, on_listening=lambda: note(says))
    except OSError as error:
        raise WrongUse(
            f"port {port} cannot be listened on ({error.strerror}): choose another with --port"
        ) from None


def read_weights(given: Iterable[str], parse: Callable[[str], T]) -> dict[T, float]:
    """Read `NAME=NUMBER` options.

    Raises:
        ValueError: One is written otherwise, or its name is unknown.
    """
    return dict(_weight(one, parse) for one in given)


def _weight(text: str, parse: Callable[[str], T]) -> tuple[T, float]:
    name, _, number = text.rpartition("=")
    known = [*parse] if isinstance(parse, EnumType) else []
    if known and name and name not in known:
        near = did_you_mean(name, known)
        raise ValueError(f"{text!r}: {name!r} is none of {', '.join(known)}{near}")
    try:
        return parse(name), float(number)
    except ValueError as error:
        raise ValueError(f"{text!r}: write NAME=NUMBER, e.g. reset=0.02 ({error})") from None


def _span(text: str) -> tuple[float, float]:
    first, dash, last = text.partition("-")
    try:
        return float(first), float(last if dash else first)
    except ValueError:
        raise ValueError(f"{text!r}: write FROM-TO, e.g. 50-300") from None


def read_whole_span(text: str) -> tuple[int, int]:
    """Read `FROM-TO`.

    Raises:
        ValueError: It is written otherwise.
    """
    first, last = _span(text)
    return int(first), int(last)


def _read_scripts(file: Path) -> dict[str, tuple[Fate, ...]]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return {number: tuple(map(Fate, fates)) for number, fates in told.items()}
    except (ValueError, AttributeError, TypeError) as error:
        raise ValueError(f"{file}: {error}") from None
