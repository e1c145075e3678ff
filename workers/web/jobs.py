"""What the web process has done in a process apart: each function is handed its settings and
answers with plain values.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO, cast

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.judged_rows import write_rejected
from campaigns.lists.source import CampaignFileError, ReadingChoice
from campaigns.numbers.mask import NO_MASK, Mask, NumberMask
from dialer import deeds
from dialer.accounts import HOME
from dialer.loading.loading import LoadOptions
from dialer.reporting.again import write_again, write_list
from dialer.reporting.files import Format
from dialer.reporting.reporting import write_reports
from dialer.reporting.tables import ALL_KINDS, Kind
from dialer.settings import Settings
from dialer.steering.starting import NobodyToCall, SecondPersonNeeded
from dialer.steering.suppressing import Added
from dialer.store.snapshot import contact_lines
from dialer.watching.overview import Overview, read_overview
from workers.documents.agents import agents_document
from workers.documents.loads import load_document
from workers.html_report import render_charts, render_html_report
from workers.instants import instant
from workers.record_keeping import source_of
from workers.web.subprocesses import Tell
from workers.wiring import Wiring

NOWHERE = Path("/dev/null")
_FIRST_AGENTS = 20


@dataclass(frozen=True, slots=True)
class ListFile:
    """A file to read, and how."""

    path: Path
    options: LoadOptions


def check_list(
    tell: Tell,
    settings: Settings,
    file: ListFile,
    rules: CampaignRules,
    rejected: Path,
    *,
    append_to: str = "",
) -> dict[str, Any]:
    """Judge a file and write nothing but the rows that would not be taken."""
    with opened_apart(settings) as wiring, file.path.open("rb") as opened:
        campaign = wiring.campaigns.find(append_to) if append_to else None
        try:
            loaded = wiring.loading.check(
                opened,
                rules=rules,
                options=file.options,
                campaign=campaign,
                rejected=rejected,
                on_progress=tell,
            )
        except CampaignFileError as error:
            error.glimpses = wiring.loading.glimpses(
                opened, error, rules=rules, options=file.options, campaign=campaign
            )
            raise
        return load_document(loaded)


def load_list(
    tell: Tell,
    settings: Settings,
    file: ListFile,
    rules: CampaignRules,
    name: str,
    *,
    may_start: bool,
) -> dict[str, Any]:
    """Load a file as a new campaign."""
    with opened_apart(settings) as wiring, file.path.open("rb") as opened:
        loaded = wiring.loading.load(
            opened,
            name=name,
            rules=rules,
            options=file.options,
            may_start=may_start,
            on_progress=tell,
        )
        return load_document(loaded)


def append_list(
    tell: Tell, settings: Settings, file: ListFile, campaign_id: str, *, may_start: bool
) -> dict[str, Any]:
    """Append a file to a campaign."""
    with opened_apart(settings) as wiring, file.path.open("rb") as opened:
        campaign = wiring.campaigns.find(campaign_id)
        loaded = wiring.loading.append(
            opened,
            campaign=campaign,
            options=file.options,
            may_start=may_start,
            on_progress=tell,
        )
        return load_document(loaded)


def suppress_list(
    _tell: Tell,
    settings: Settings,
    file: Path,
    *,
    source: str,
    why: str,
    column: str | None,
    reading: ReadingChoice,
    for_all: bool,
) -> Added:
    """Put a file's numbers on the list of those never called, the account's or of all accounts."""
    with opened_apart(settings) as wiring, file.open("rb") as opened:
        suppressing = wiring.suppressing_for_all if for_all else wiring.suppressing
        return suppressing.add(opened, source=source, why=why, column=column, reading=reading)


def load_agents(
    _tell: Tell, settings: Settings, file: Path, *, reading: ReadingChoice
) -> dict[str, Any]:
    """Take a list of agents."""
    with opened_apart(settings) as wiring, file.open("rb") as opened:
        return agents_document(wiring.registry.load(opened, reading=reading))


def check_agents(
    _tell: Tell, settings: Settings, file: Path, *, reading: ReadingChoice
) -> dict[str, Any]:
    """Judge a list of agents, and write nothing."""
    with opened_apart(settings) as wiring, file.open("rb") as opened:
        loaded = wiring.registry.check(opened, reading=reading)
    first = [
        {
            "number": one.number,
            "name": one.name,
            "groups": one.groups,
            "shift": str(one.shift or ""),
        }
        for one in loaded.agents[:_FIRST_AGENTS]
    ]
    same = len(loaded.listed.taken) - loaded.new - loaded.changed
    return agents_document(loaded) | {"same": same, "first": first}


def start(wiring: Wiring, campaign_id: str, *, who: str) -> CampaignState:
    """Start a campaign that was just loaded; one that has been started is left as it is.

    One that needs a second person, or has no contact, stays loaded, and says so.
    """
    campaign = wiring.campaigns.find(campaign_id)
    if campaign.state is not CampaignState.LOADED:
        return campaign.state
    try:
        with wiring.audit.part(deeds.Did.CAMPAIGN_STARTED):
            return wiring.starting.start(campaign, who=who)
    except (NobodyToCall, SecondPersonNeeded):
        return campaign.state


def tell_loaded(document: Mapping[str, Any]) -> None:
    """Tell the audit trail what became of a file."""
    told = ("rows", "accepted", "rejected", "duplicate", "already", "state")
    deeds.tell(
        on=f"campaign {document['name']} {document['campaign_id']}",
        after={name: document[name] for name in told if name in document},
    )


def write_report(
    tell: Tell,
    settings: Settings,
    campaign_id: str,
    *,
    account: str,
    kind: Kind | None,
    format_: Format,
    out: Path,
    masked: bool,
    text_numbers: bool = False,
    bom: bool = True,
) -> list[Path]:
    """Write one table of a campaign's report into a folder, or the whole as a page or a workbook.

    Args:
        kind: The table; None: the whole, which HTML is in any case.
    """

    def on_progress(read: int, of_all: int) -> None:
        tell(read / of_all if of_all else 1.0)

    with opened_apart(settings, account) as wiring:
        campaign = wiring.campaigns.find(campaign_id)
        written = write_reports(
            source_of(wiring, campaign),
            out,
            as_of=instant(wiring.db.now()),
            kinds=() if format_ is Format.HTML else (kind,) if kind else ALL_KINDS,
            formats=(format_,),
            mask=NumberMask(Mask.MASKED) if masked else NO_MASK,
            text_numbers=text_numbers,
            bom=bom,
            render_html=render_html_report,
            on_progress=on_progress,
        )
        return list(written.files)


def write_not_taken(
    _tell: Tell,
    settings: Settings,
    campaign_id: str,
    *,
    account: str,
    out: Path,
    text_numbers: bool,
    bom: bool,
) -> list[Path]:
    """Write a campaign's rows that were not taken into a folder, wherever they are."""
    with opened_apart(settings, account) as wiring:
        campaign = wiring.campaigns.find(campaign_id)
        rows = source_of(wiring, campaign).rejected
        path = out / f"{campaign.id}_rejected.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(
                write_rejected(campaign.columns, rows, text_numbers=text_numbers, bom=bom)
            )
        return [path]


def campaign_charts(
    _tell: Tell, settings: Settings, campaign_id: str, *, account: str, masked: bool, language: str
) -> str:
    """Render the charts of a campaign's report, for its page, in its reader's language."""
    with tempfile.TemporaryDirectory() as folder, opened_apart(settings, account) as wiring:
        written = write_reports(
            source_of(wiring, wiring.campaigns.find(campaign_id)),
            Path(folder),
            as_of=instant(wiring.db.now()),
            kinds=(),
            formats=(Format.HTML,),
            mask=NumberMask(Mask.MASKED) if masked else NO_MASK,
            render_html=partial(render_charts, language=language),
        )
        return written.files[0].read_text(encoding="utf-8")


def export_list(
    _tell: Tell, settings: Settings, campaign_id: str, folder: Path, *, most: int
) -> Path:
    """Write a campaign's first contacts as a list that can be read again, into a new file."""
    with opened_apart(settings) as wiring:
        campaign = wiring.campaigns.find(campaign_id)
        with _new_list(folder) as file:
            lines = contact_lines(wiring.db, campaign.id, size=min(campaign.accepted, most))
            named = ("dialer_contact", "dialer_agent", "dialer_customer")
            write_list(file, campaign, lines, named=named)
        return Path(file.name)


def export_again(
    _tell: Tell, settings: Settings, campaign_id: str, folder: Path, *, ends: Sequence[str]
) -> Path:
    """Write the contacts of a campaign that ended so as a list, into a new file."""
    with opened_apart(settings) as wiring, _new_list(folder) as file:
        write_again(source_of(wiring, wiring.campaigns.find(campaign_id)), file, ends)
        return Path(file.name)


@contextlib.contextmanager
def _new_list(folder: Path) -> Iterator[TextIO]:
    """Open a new file, which is gone again where it was not written to its end."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", suffix=".csv", dir=folder, delete=False, encoding="utf-8", newline=""
    ) as file:
        try:
            yield cast("TextIO", file)
        except BaseException:
            Path(file.name).unlink()
            raise


def overview(_tell: Tell, settings: Settings, campaign_id: str) -> Overview:
    """Read a large campaign's overview."""
    with opened_apart(settings) as wiring:
        return read_overview(wiring.db, wiring.campaigns.find(campaign_id))


@contextlib.contextmanager
def opened_apart(settings: Settings, account: str = HOME) -> Iterator[Wiring]:
    """Wire an account in a process of its own."""
    wiring = Wiring(settings, name=account)
    try:
        yield wiring
    finally:
        wiring.redis.close()
