"""`dialer audit`: who did what."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from dialer.audit import actions, by, faults_of
from dialer.deeds import Deed, DeedOutcome, Did
from dialer.file_set import FileSet
from dialer.store.trail import Line
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.instants import read_instant
from workers.cli.printing import AsJson, answer, complain, note, plain_table, say, say_json, show
from workers.cli.recorded import at_terminal
from workers.cli.session import open_wiring
from workers.wiring import Wiring

_MOST_SHOWN = 200
_SPANS = {"d": "days", "h": "hours", "m": "minutes"}


def audit(
    *,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="7d|TIME", help="Not before: days, hours, minutes (m) ago, or 2026-11-24T15:30."
        ),
    ] = None,
    who: Annotated[
        str, typer.Option(help="Id of a key or a user, or a part of a name or an address.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False, help="Write every record into this file, a line of JSON each."
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Tell where a record is missing or was changed.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            help="With --check: a file of --out instead.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show who did what, the newest first: from a terminal, with a key, or turned away.

    Each record holds the hash of the one before, so one that is missing shows: --check. A file of
    --out is kept where nobody can change it; each of its lines carries what is needed to check it.
    """
    if file and not check:
        raise WrongUse("--file goes with --check")
    wiring = open_wiring()
    if check:
        _check(wiring, file, as_json=as_json)
        return
    trail = wiring.audit.trail
    since_s = _since_s(since, wiring) if since else 0.0
    if out:
        wiring.audit.note(Deed(Did.AUDIT_TAKEN, at_terminal(), on=str(out)), DeedOutcome.DONE)
        count = _write(out, by(trail.lines(since_s=since_s), who))
        text = f"{count:,} records: {escape(str(out))}"
        answer({"file": str(out), "records": count}, text, as_json=as_json)
        return
    if as_json:
        say_json([one.as_json() for one in by(trail.lines(since_s=since_s), who)])
        return
    _show(by(trail.newest(not_before_s=since_s), who), wiring.settings.dialer_timezone)


def _check(wiring: Wiring, file: Path | None, *, as_json: bool) -> None:
    if file:
        with file.open(encoding="utf-8") as opened:
            faults = list(faults_of(map(Line.parse, opened)))
    else:
        trail = wiring.audit.trail
        faults = list(faults_of(trail.lines(), trail.ends()))
    if as_json:
        say_json({"intact": not faults, "faults": faults})
    elif not faults:
        say("Every record is there, as it was written.")
    if faults:
        complain(*([] if as_json else faults[:_MOST_SHOWN]))
        raise JobFailed("the audit trail is not as it was written; compare with an earlier --out")


def _show(lines: Iterator[Line], timezone: str) -> None:
    found = list(islice(actions(lines), _MOST_SHOWN + 1))
    if not found:
        say("Nothing is recorded.")
        return
    table = plain_table("when", "who", "from", "what", "on", "outcome", "change")
    for one in found[:_MOST_SHOWN]:
        at = datetime.fromisoformat(one["at"]).astimezone(ZoneInfo(timezone))
        who = one["who"]["name"] or one["who"]["id"] or "a stranger"
        cells = (who, one["from"], one["what"], one["on"], one["outcome"], _change(one))
        table.add_row(f"{at:%Y-%m-%d %H:%M:%S}", *map(escape, cells))
    show(table)
    if len(found) > _MOST_SHOWN:
        note(f"The newest {_MOST_SHOWN} are shown; --json and --out give all of them.")


def _change(one: dict[str, Any]) -> str:
    before, after = one.get("before", {}), one.get("after", {})
    told = [
        f"{name}: {before[name]} → {after.get(name)}"
        if name in before
        else f"{name}: {after[name]}"
        for name in {**before, **after}
    ]
    return ", ".join(told) + (f" ({one['why']})" if one.get("why") else "")


def _write(out: Path, lines: Iterator[Line]) -> int:
    if out.exists() and not out.is_file():  # a pipe, or where the shell leads it
        with out.open("w", encoding="utf-8") as file:
            return _write_into(file, lines)
    out = out.resolve()
    with FileSet(out.parent) as files:
        descriptor = os.open(files.place(out.name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            count = _write_into(file, lines)
        files.publish()
    return count


def _write_into(file: TextIO, lines: Iterator[Line]) -> int:
    return sum(1 for line in lines if file.write(f"{line.exported()}\n"))


def _since_s(text: str, wiring: Wiring) -> float:
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and unit in _SPANS and len(number) < 6:
        span = timedelta(**{_SPANS[unit]: int(number)})
        return wiring.db.now() - span.total_seconds()
    zone = wiring.zone
    return read_instant(
        "--since", text, zone, write="7d, 12h, 30m, or 2026-11-24T15:30"
    ).timestamp()
