"""A campaign's report: every contact and attempt to CSV, Parquet, XLSX and HTML, sums checked.

    ours     the product's report writer with all its tables, fed with contacts made on the spot;
             reading them from Redis is not in it
    pandas   the two long tables, attempts and contacts, with the same columns, each in one frame
             written by to_csv, to_parquet and to_excel: nothing is checked, nothing is counted,
             no cell is made safe, everything is in memory

Each format runs in a process of its own; memory is its peak. What it takes to make the contacts is
measured first and taken off. CSV and Parquet are written in turns, of which the medians are told.
Pandas writes 200,000 attempts to XLSX and no more: a million would take it some ten minutes and more
than six gigabytes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from bench import ground
from bench.chart import Bar
from bench.forms import CALLER_ID, agent_number, customer_number
from bench.result import Plot, Result, Table, arguments, begin, publish
from campaigns.attempt import Attempt, AttemptState, Outcome
from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.contact_state import ContactState
from campaigns.reports.subject import Pace
from dialer.ids import AttemptId
from dialer.reporting.files import Format
from dialer.reporting.reporting import ReportInput, write_reports
from dialer.reporting.tables import Kind, table
from dialer.store import Campaign, ContactRecord, OpenAttempt
from dialer.store.contact_rows import Row
from dialer.store.snapshot import ContactLine
from workers.reports import collect_garbage_rarely

NOT_SHOWN = """
Reading contacts and attempts from Redis, which is not in it; contacts with several attempts. Pandas
writes the two long tables, where ours writes all of its tables and checks their sums."""

CAMPAIGN, NONCE = "7f3kq2xa", "k3x9p0a1b2"
COLUMNS = ("agent", "customer", "name", "city", "plan")
STARTED_S = datetime(2026, 11, 23, 4, 0, tzinfo=UTC).timestamp()
AS_OF = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
_AGENTS = 500


def attempt(n: int) -> Attempt:
    """Make the only attempt of a contact: four in ten were connected."""
    talked = n % 10 < 4
    at = STARTED_S + n * 0.04
    return Attempt(
        version=3,
        state=AttemptState.SETTLED,
        requested_at=at,
        no=1,
        nonce=NONCE,
        agent=agent_number(n % _AGENTS),
        customer=customer_number(n),
        quarantine_s=2237.0,
        sid=f"{n:032x}",
        outcome=Outcome.CONNECTED if talked else Outcome.CUSTOMER_NO_ANSWER,
        agent_status="completed",
        customer_status="completed" if talked else "no-answer",
        agent_s=70,
        talk_s=50 if talked else None,
        ring_s=20 if talked else None,
        total_s=75,
        price="0.65",
        answered_at=at + 25 if talked else None,
        ended_at=at + 75,
        http_status=200,
        source="callback",
        settled_at=at + 76,
        is_final=True,
    )


def contact_lines(attempts: int) -> Iterator[ContactLine]:
    """Make contacts with one attempt each."""
    for n in range(1, attempts + 1):
        one = attempt(n)
        yield ContactLine(
            n=n,
            record=ContactRecord(
                agent=one.agent,
                customer=one.customer,
                state=ContactState.FINAL,
                outcome=one.outcome,
                charged=1,
                made=1,
            ),
            row=Row(n + 1, (one.agent, one.customer, f"name {n}", "Pune", "gold"), {}),
            attempts=(OpenAttempt(AttemptId(CAMPAIGN, n, 1, NONCE), one),),
        )


def dialer(attempts: int, wanted: str, out: Path) -> None:
    """Write one format with the product."""
    campaign = Campaign(
        id=CAMPAIGN,
        name="bench",
        state=CampaignState.COMPLETED,
        rules=CampaignRules(caller_id=CALLER_ID),
        rules_version=1,
        columns=COLUMNS,
        rows=attempts,
        accepted=attempts,
        rejected=0,
        duplicate=0,
        created_at=STARTED_S,
    )
    source = ReportInput(
        campaign=campaign,
        contacts=contact_lines(attempts),
        rejected=(),
        input_hashes=("ab" * 32,),
        pace=Pace(limit=200),
    )
    collect_garbage_rarely()  # as the command does
    render = None
    if wanted == Format.HTML:
        from workers.html_report import render_html_report

        render = render_html_report
    write_reports(source, out, as_of=AS_OF, formats=(Format(wanted),), render_html=render)


def plain_pandas(attempts: int, wanted: str, out: Path) -> None:
    """Write the same two tables with pandas alone."""
    import pandas as pd

    one_attempt, contacts = [], []
    for line in contact_lines(attempts):
        record, (one,), own = line.record, line.attempts, line.row.cells
        told = one.attempt
        contact = f"{CAMPAIGN}-{line.n}"
        one_attempt.append(
            (
                str(one.id),
                contact,
                told.no,
                told.sid,
                told.agent[1:],
                told.customer[1:],
                told.requested_at,
                told.answered_at,
                told.ended_at,
                told.agent_status,
                told.customer_status,
                told.outcome,
                told.ring_s,
                told.talk_s,
                told.total_s,
                told.price,
                told.recording_url,
                told.http_status,
                told.error_code,
                line.row.line,
                told.is_charged,
                told.answered_by,
                told.agent_s,
                told.source,
                told.rules_version,
                told.window,
                line.row.external_id or None,
                *(None, None, None, None),  # disposition, when, by whom, note
                record.agent[1:],
                record.agent[1:],
                *own,
            )
        )
        contacts.append(
            (
                contact,
                line.row.line,
                record.agent[1:],
                record.customer[1:],
                record.state,
                record.outcome,
                record.made,
                None,
                told.sid,
                record.charged,
                line.row.external_id or None,
                *(None, None, None, None),  # disposition, when, by whom, note
                record.agent[1:],
                record.agent[1:],
                None,  # notes
                *own,
            )
        )
    for kind, rows in ((Kind.ATTEMPTS, one_attempt), (Kind.CONTACTS, contacts)):
        header = table(kind, COLUMNS).header
        frame = pd.DataFrame(rows, columns=header)
        rows.clear()
        for name in header:
            if name.endswith("_at"):
                at = pd.to_datetime(frame[name].astype("float64"), unit="s")
                frame[name] = at.dt.round("ms") + pd.Timedelta(hours=5, minutes=30)
        path = out / f"{kind}.{wanted}"
        match wanted:
            case "csv":
                frame.to_csv(path, index=False)
            case "parquet":
                frame.to_parquet(path, index=False)
            case "xlsx":
                frame.to_excel(path, index=False, engine="xlsxwriter")


ALONE = {"dialer": dialer, "pandas": plain_pandas}


@dataclass(frozen=True, slots=True)
class Written:
    """One run."""

    took_s: float
    peak_mb: float


_REPEATED = ("csv", "parquet")
"""These take seconds, of which what it takes to make the contacts is a large part, and is taken off."""

Runs = Mapping[str, Mapping[str, Sequence[Written]]]
"""By format, by writer."""


def measure(name: str, attempts: int, wanted: str) -> Written:
    """Write one format."""
    command = [sys.executable, "-m", "bench.reports", "--alone", name, str(attempts), wanted]
    done = subprocess.run(
        command, env=os.environ, cwd=ground.ROOT, check=True, capture_output=True, text=True
    )
    return Written(**json.loads(done.stdout))


def attempts_of(name: str, wanted: str, attempts: int) -> int:
    """Tell how many attempts one of them writes where so many are asked for."""
    return min(attempts, 200_000) if (name, wanted) == ("pandas", "xlsx") else attempts


def measure_all(attempts: int, repeats: int) -> Runs:
    """Write every format with both, in turns; pandas has no report in HTML."""
    runs: dict[str, dict[str, list[Written]]] = {}
    for wanted in ("csv", "parquet", "xlsx", "html"):
        names = ("dialer",) if wanted == "html" else tuple(ALONE)
        runs[wanted] = {name: [] for name in names}
        for _ in range(repeats if wanted in _REPEATED else 1):
            for name in names:
                many = attempts_of(name, wanted, attempts)
                runs[wanted][name].append(measure(name, many, wanted))
        print(f"   {wanted}: {runs[wanted]}", file=sys.stderr, flush=True)
    return runs


def _alone(name: str, attempts: str, wanted: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        for _ in contact_lines(int(attempts)):
            pass
        made = time.perf_counter()
        ALONE[name](int(attempts), wanted, Path(folder))
        took_s = time.perf_counter() - made - (made - began)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"took_s": took_s, "peak_mb": peak_mb}))


def _per_million_s(runs: Runs, name: str, wanted: str, attempts: int) -> float:
    took_s = median(one.took_s for one in runs[wanted][name])
    return 1_000_000 * took_s / attempts_of(name, wanted, attempts)


def _table(runs: Runs, attempts: int) -> Table:
    rows = (
        (
            f"{name}, {wanted}",
            f"{attempts_of(name, wanted, attempts):,}",
            f"{median(one.took_s for one in written):.1f} s",
            f"{median(one.peak_mb for one in written):.0f} MB",
            f"{_per_million_s(runs, name, wanted, attempts):.0f} s",
        )
        for wanted, by_name in runs.items()
        for name, written in by_name.items()
    )
    return Table(("", "attempts", "took", "peak memory", "a million would take"), tuple(rows))


def _plot(runs: Runs, attempts: int) -> Plot:
    bars = (
        Bar(f"{name}, {wanted}", value, f"{value:.0f} s", is_ours=name == "dialer")
        for wanted, by_name in runs.items()
        for name in by_name
        if (value := _per_million_s(runs, name, wanted, attempts))
    )
    return Plot("Seconds a million attempts take", tuple(bars))


def main() -> None:
    """Measure and print."""
    parser = arguments(__doc__)
    parser.add_argument("--attempts", type=int, default=100_000, help="1000000 for the full one")
    parser.add_argument("--repeats", type=int, default=1, help="of CSV and Parquet")
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        _alone(*args.alone)
        return
    run = begin(__doc__)
    runs = measure_all(args.attempts, args.repeats)
    values = {
        f"{wanted}_of_pandas": _per_million_s(runs, "pandas", wanted, args.attempts)
        / _per_million_s(runs, "dialer", wanted, args.attempts)
        for wanted in ("csv", "parquet", "xlsx")
    }
    result = Result(
        title="A campaign's report",
        method=__doc__,
        not_shown=NOT_SHOWN,
        run=run,
        setting=f"{args.attempts:,} attempts, {ground.times(args.repeats)}.",
        values=values,
        tables=(_table(runs, args.attempts),),
        plots=(_plot(runs, args.attempts),),
    )
    publish(result, args.json)


if __name__ == "__main__":
    main()
