"""`dialer campaign load` and `append`: a file in, what became of each row out."""

import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Annotated, Any, BinaryIO

import redis
import typer
from rich.markup import escape

from campaigns.campaign import CampaignState
from campaigns.campaign_rules import CampaignRules
from campaigns.lists.contact_list import ContactList
from campaigns.lists.diff import ListDiff, PairGroup
from campaigns.lists.header import ColumnsUnclear
from campaigns.lists.judged_rows import CodeCount, Summary
from campaigns.lists.source import CampaignFileError
from campaigns.tags import tags_of
from dialer.deeds import Did, tell
from dialer.loading.loading import Loaded, LoadOptions
from dialer.loading.refusing import NameTaken
from dialer.loading.uploads import opened as opened_list
from dialer.loading.uploads import require_state, state_of
from dialer.settings import require_account, require_data_dir
from dialer.steering.starting import NobodyToCall, SecondPersonNeeded
from dialer.store import Campaign
from dialer.store.campaign import CampaignNotFound
from dialer.store.imports import Imports
from workers.cli.campaign import Name
from workers.cli.completing import campaigns
from workers.cli.instants import iso, local
from workers.cli.list_options import Again, GivenList, ListFile, Tags, takes_list
from workers.cli.printing import (
    AsJson,
    complain,
    console,
    note,
    plain_table,
    progress,
    say,
    say_json,
    show,
    when_stopped,
)
from workers.cli.rules import GivenRules, campaign_rules, takes_rules
from workers.cli.session import open_wiring, terminal_user
from workers.documents.loads import load_document
from workers.wiring import Wiring

DryRun = Annotated[bool, typer.Option("--dry-run", help="Judge every row, write nothing.")]


@takes_rules
@takes_list
def load(
    file: ListFile,
    *,
    name: Annotated[str, typer.Option(help="The campaign's name; commands find it by this.")],
    again: Again = False,
    template: Annotated[
        str, typer.Option(help="Begin with a template's rules; others given go before them.")
    ] = "",
    like: Annotated[
        str,
        typer.Option(
            metavar="CAMPAIGN",
            help="Begin with the rules of this campaign, but for its days.",
            shell_complete=campaigns,
        ),
    ] = "",
    tag: Tags = None,
    dry_run: DryRun = False,
    starting: Annotated[bool, typer.Option("--start", help="Start it once it is loaded.")] = False,
    as_json: AsJson = False,
    given_list: GivenList,
    given: GivenRules,
) -> None:
    """Load a list as a new campaign. Every row ends as accepted, rejected or duplicate.

    Loading the same file under the same name again does nothing, or goes on where a load broke
    off; a changed file is compared and refused, and `append` adds what is new in it. Under another
    name it is refused: the same people would be called twice. Times are in the campaign's time zone.
    Durations are seconds, or 30s, 5m, 2h, 1d.

    **Examples**

      dialer campaign load contacts.csv --name diwali --dry-run

      dialer campaign load contacts.csv --name diwali --retry customer_busy=5mx3 --start

      dialer campaign load leads.xlsx --name leads --agent-column Owner --hours 10:00-18:00

      dialer campaign load contacts.csv --name pongal --like diwali --record
    """
    with file.open("rb") as opened:
        before = state_of(opened)
        wiring = open_wiring()
        if not dry_run:
            require_account(wiring.settings)
            require_data_dir(wiring.settings)
        settings = wiring.settings
        if dry_run and not settings.exotel_caller_id:  # nothing is dialled from it
            settings = settings.model_copy(update={"exotel_caller_id": _ANY_CALLER})
        rules = campaign_rules(
            settings, wiring.templates.given(template=template, like=like) | given
        )
        options = replace(given_list.as_options(again=again), tags=tags_of(tag or ()))
        require_state(opened, before)  # connecting took a while
        to_load = ToLoad(opened, file.name, name, rules, options)
        load_list(wiring, to_load, dry_run=dry_run, starting=starting, as_json=as_json)


@dataclass(frozen=True, slots=True)
class ToLoad:
    """A list, what it is called, and the campaign that it is to become."""

    file: BinaryIO
    label: str
    name: str
    rules: CampaignRules
    options: LoadOptions


def load_list(
    wiring: Wiring, asked: ToLoad, *, dry_run: bool, starting: bool, as_json: bool
) -> None:
    """Load a list as a new campaign or, for a dry run, judge it; say what became of it."""
    opened, name, rules, options = asked.file, asked.name, asked.rules, asked.options
    try:
        with progress(f"Reading {escape(asked.label)}") as on_share:
            if dry_run:
                loaded = wiring.loading.check(
                    opened, rules=rules, options=options, on_progress=on_share
                )
            else:
                with _telling_what_is_stored(wiring, name):
                    loaded = wiring.loading.load(
                        opened, name=name, rules=rules, options=options, on_progress=on_share
                    )
    except CampaignFileError as error:
        _tell_unclear(error)
        raise
    except NameTaken as error:
        _tell_diff(wiring, opened, error.campaign, options)
        raise
    if starting and loaded.campaign and loaded.campaign.state is CampaignState.LOADED:
        try:
            with wiring.audit.part(Did.CAMPAIGN_STARTED):
                wiring.starting.start(loaded.campaign, who=terminal_user())
        except (NobodyToCall, SecondPersonNeeded) as error:
            note(f"[yellow]{escape(str(error))}[/yellow]")
    state = wiring.campaigns.find(loaded.campaign.id).state if loaded.campaign else None
    _tell_audit(loaded, state)
    if as_json:
        say_json(_document(loaded, name, state))
    else:
        _tell(loaded, name=name, state=state)


@takes_list
def append(
    campaign: Name,
    file: ListFile,
    *,
    again: Again = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what the file would change, write nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before appending.")] = False,
    as_json: AsJson = False,
    given_list: GivenList,
) -> None:
    """Append what is new in a list to a campaign, running or not; what is there is never touched.

    The file is first compared with the campaign: pairs that are new, unchanged, changed in their
    other columns, and missing. Only new ones are appended, and nothing that was dialled is reset.
    Its columns may stand in any order: missing ones are empty, new ones are added. A rejected file
    whose rows were mended may come back as it is. Loading the same content again does nothing.
    """
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    options = given_list.as_options(again=again)
    with opened_list(file) as opened:
        before = state_of(opened)
        try:
            with when_stopped("stopped; nothing was appended"):
                diff = _tell_diff(wiring, opened, found, options)
        except CampaignFileError as error:
            _tell_unclear(error)
            raise
        if dry_run:
            _end_dry_run(diff, as_json=as_json)
            return
        if diff and diff.new.count and not yes and sys.stdin.isatty():
            typer.confirm("Append the new pairs?", default=True, abort=True, err=True)
        opened.seek(0)
        require_state(opened, before)
        with (
            progress(f"Reading {escape(file.name)}") as on_share,
            _telling_what_is_stored(wiring, found.id),
        ):
            loaded = wiring.loading.append(
                opened, campaign=found, options=options, on_progress=on_share
            )
    state = wiring.campaigns.find(found.id).state
    _tell_audit(loaded, state)
    if as_json:
        say_json({**_document(loaded, found.name, state), "diff": _diff_as_json(diff)})
    else:
        _tell(loaded, name=found.name, state=state)


def imports(campaign: Name, *, as_json: AsJson = False) -> None:
    """List the files that were loaded into a campaign, the first one first."""
    wiring = open_wiring()
    found = wiring.campaigns.find(campaign)
    entries = Imports(wiring.db).history(found.id)
    if as_json:
        say_json([{**one, "at": iso(one["at"])} for one in entries])
        return
    numbers = ("rows", "accepted", "rejected", "duplicate", "blank")
    table = plain_table("loaded at", *numbers, "sha256 of the file", numbers=numbers)
    for one in entries:
        counted = (f"{one.get(name, 0):,}" for name in numbers)
        what = f"{one['hash'][:16]}{' (in part)' if one.get('in_part') else ''}"
        table.add_row(local(one["at"], found.rules.zone), *counted, what)
    show(table)


def _tell_unclear(error: CampaignFileError) -> None:
    """Show the first rows of a file that leaves a doubt."""
    if not (error.columns and error.rows and console(stderr=True).is_terminal):
        return  # a refusal is one line to programs
    suggestion = error.suggestion if isinstance(error, ColumnsUnclear) else ()
    said = {column: role for role, column, _ in suggestion}
    shown = list(enumerate(error.columns))[:_MOST_COLUMNS_SHOWN]
    headings = (
        f"{escape(name)} ({said[name]}?)" if name in said else escape(name) for _, name in shown
    )
    table = plain_table(*headings)
    for row in error.rows:
        table.add_row(*(escape(row[at][:40]) if at < len(row) else "" for at, _ in shown))
    console(stderr=True).print(table)


_MOST_COLUMNS_SHOWN = 12
_ANY_CALLER = "+918000000000"  # made up


def _tell_audit(loaded: Loaded, state: CampaignState | None) -> None:
    if loaded.campaign is None:
        return
    tell(
        on=f"campaign {loaded.campaign.name} {loaded.campaign.id}",
        after={
            **loaded.summary.counts,
            "already": loaded.already,
            "state": state,
        },
    )


@contextmanager
def _telling_what_is_stored(wiring: Wiring, campaign: str) -> Iterator[None]:
    """Say at a Ctrl-C how far the load came."""
    try:
        yield
    except KeyboardInterrupt:
        with suppress(CampaignNotFound, redis.RedisError):
            counts = wiring.campaigns.counts(wiring.campaigns.find(campaign).id)
            complain(
                f"stopped with {counts.accepted:,} contacts of the campaign stored; "
                "the same command goes on from there"
            )
        raise


def _tell_diff(
    wiring: Wiring, file: BinaryIO, campaign: Campaign, options: LoadOptions
) -> ListDiff | None:
    """Say what a file would change; nothing where its very content is there already."""
    file.seek(0)
    with console(stderr=True).status("Comparing …"):
        diff = wiring.loading.compare(file, campaign=campaign, options=options)
    if diff is None:
        return None
    note(f"Compared with {escape(campaign.name)}, pair by pair:")
    for name, group, what in _groups(diff):
        note(f"  {group.count:>7,}  [bold]{name:<9}[/bold]  [dim]{what}[/dim]")
        for agent, customer in group.examples if name != "unchanged" else ():
            note(f"           [dim]agent {agent}, customer {customer}[/dim]")
    return diff


def _groups(diff: ListDiff) -> tuple[tuple[str, PairGroup, str], ...]:
    return (
        ("new", diff.new, "are appended, unless their customer is listed with another agent"),
        ("unchanged", diff.unchanged, "stay as they are"),
        ("changed", diff.changed, "have other columns that differ; what was loaded first stays"),
        ("missing", diff.missing, "are in the campaign and not in this file; they stay"),
    )


def _diff_as_json(diff: ListDiff | None) -> dict[str, Any] | None:
    if diff is None:
        return None
    return {
        name: {"count": group.count, "examples": group.examples} for name, group, _ in _groups(diff)
    }


def _end_dry_run(diff: ListDiff | None, *, as_json: bool) -> None:
    if as_json:
        say_json({"already": diff is None, "diff": _diff_as_json(diff)})
    elif diff is None:
        say("This content was loaded before, or is on its way in: nothing would change.")
    else:
        say("Dry run: nothing was written.")


def _document(loaded: Loaded, name: str, state: CampaignState | None) -> dict[str, Any]:
    """Tell programs of a load as the API does, but for where the rows not taken are."""
    file = str(loaded.rejected_file) if loaded.rejected_file else None
    return load_document(loaded) | {"name": name, "state": state, "rejected_file": file}


def _tell(loaded: Loaded, *, name: str, state: CampaignState | None) -> None:
    """Say how the file was understood, what became of its rows, and what to do next."""
    safe_name, to_type = escape(name), escape(shlex.quote(name))
    if loaded.already:
        say(f"This content was loaded into {safe_name} before: nothing was done.")
    tell_judgement(loaded)
    if loaded.mended:
        say(f"\nOf the rows not taken before, {loaded.mended:,} came back, and are counted anew.")
    if loaded.rejected_file:
        say(f"\nRows not taken, ready to be mended: {escape(str(loaded.rejected_file))}")
    if loaded.rejected_fault:
        say(
            f"\n[yellow]The rows not taken have no file: {escape(loaded.rejected_fault)}. They are "
            "kept: once that is mended, load the same file again.[/yellow]"
        )
    match state:
        case None:
            say(f"\nDry run: nothing was written. {_next_after_dry_run(loaded)}")
        case CampaignState.LOADED if by_itself := _starts_by_itself(loaded):
            say(f"\n{by_itself} At once: dialer campaign start {to_type}")
        case CampaignState.LOADED:
            say(f"\nNext: dialer campaign start {to_type}")
        case _:
            say(f"\n{safe_name} is {state}. Follow it: dialer campaign status {to_type} --watch")


def _next_after_dry_run(loaded: Loaded) -> str:
    if loaded.same_content:
        names = ", ".join(one.name for one in loaded.same_content)
        return f"These bytes are already campaign {escape(names)}: --again loads them once more."
    if loaded.contact_list and loaded.contact_list.header.is_suggested:
        return (
            "The columns are a suggestion: load it with --yes-columns if they are right, else with "
            "--agent-column and --customer-column."
        )
    return "Load it without --dry-run."


def _starts_by_itself(loaded: Loaded) -> str:
    campaign = loaded.campaign
    if campaign is None or campaign.running_at is not None or not campaign.rules.starts_at:
        return ""
    starts_at = campaign.rules.starts_at.astimezone(campaign.rules.zone)
    return f"It starts by itself: {starts_at:%Y-%m-%d %H:%M %Z}."


def tell_judgement(loaded: Loaded) -> None:
    """Say how the file was understood and what became of its rows."""
    _tell_columns(loaded)
    _tell_rows(loaded.summary)


def _tell_columns(loaded: Loaded) -> None:
    if loaded.contact_list is None:
        return
    header = loaded.contact_list.header
    say(f"The file is {escape(loaded.contact_list.source.description)}.")
    for note_ in loaded.contact_list.notes:
        say(f"  {escape(note_)}")
    table = plain_table("column", "understood as", "because")
    for one in header.matched:
        table.add_row(escape(one.column), one.role, f"[dim]{escape(one.why)}[/dim]")
    understood = {one.column for one in header.matched}
    for column in header.columns:
        if column not in understood:
            table.add_row(escape(column), "[dim]–[/dim]", "[dim]travels into the reports[/dim]")
    show(table)
    _tell_first_rows(loaded.contact_list)


def _tell_first_rows(contact_list: ContactList) -> None:
    table = plain_table("line", "agent", "customer", "name", "", numbers=("line",))
    for row in contact_list.preview():
        cells = (row.agent, row.customer, row.name, row.problem)
        table.add_row(str(row.line), *map(escape, cells))
    say("\nThe first rows, as understood:")
    show(table)


def _tell_rows(summary: Summary) -> None:
    blank = f" [dim](blank lines: {summary.blank:,})[/dim]" if summary.blank else ""
    say(
        f"\n[bold]{summary.rows:,} rows[/bold] = [green]{summary.accepted:,} accepted[/green] + "
        f"{summary.rejected:,} rejected + {summary.duplicate:,} duplicate{blank}"
    )
    _tell_codes("Not taken", summary.faults)
    _tell_codes("Taken with a warning", summary.warnings)


def _tell_codes(title: str, codes: dict[str, CodeCount]) -> None:
    if not codes:
        return
    say(f"\n{title}:")
    for code, one in sorted(codes.items(), key=lambda item: -item[1].count):
        say(f"  {one.count:>7,}  [bold]{code}[/bold]")
        for example in one.examples:
            say(f"           [dim]{escape(example)}[/dim]")
