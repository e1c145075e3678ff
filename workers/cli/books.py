"""`dialer reconcile`, `recordings`, `purge`, `campaign archive` and `campaign delete`."""

import re
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from campaigns.numbers.phone import Phone, parse_phone
from dialer.masking import mask_text
from workers.cli.campaign import Name
from workers.cli.faults import JobFailed, WrongUse
from workers.cli.instants import iso, local
from workers.cli.printing import AsJson, answer, complain, progress, say, say_json
from workers.cli.session import open_books

_MOST_SHOWN = 50
_DAY_S = 86_400
_AGE = re.compile(r"(\d{1,5})\s*(d|h)")


def reconcile(
    campaign: Name,
    *,
    out: Annotated[
        Path | None, typer.Option(file_okay=False, help="Folder for a CSV of every call.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare a campaign with the provider's own list of calls.

    **missing**: the provider does not know our Sid. **extra**: a call of this campaign that no
    attempt knows. **different**: outcome, seconds or price disagree. **unreadable**: the provider's
    answer about our Sid cannot be read. Exit code 1 unless every call matches. Look-ups go below dials and inside the account's limit: one for each hundred calls of
    the account in the campaign's time.
    """
    books = open_books()
    found = books.wiring.campaigns.find(campaign)
    as_of = books.as_of()
    with progress(f"Reading the provider's calls of {escape(found.name)}") as on_share:
        result = books.reconciling.reconcile(
            found.id, books.source_of(found).contacts, as_of=as_of, on_progress=on_share
        )
    file = result.write(out, campaign=found, as_of=as_of) if out else None
    wrong = result.disagreeing()
    told_of, sums, untold = books.events_of(found.id)
    if as_json:
        say_json(
            {
                "campaign_id": found.id,
                "name": found.name,
                **result.counts,
                "live": result.live,
                "foreign": result.foreign,
                "unreadable_rows": result.unreadable_rows(),
                "requests": result.requests,
                "events": {str(kind): times for kind, times in told_of.kinds.items()},
                "event_sums": sums,
                "file": str(file) if file else None,
                "calls": wrong,
            }
        )
    else:
        counts = ", ".join(f"{number:,} {verdict}" for verdict, number in result.counts.items())
        say(f"{counts}; {result.live:,} live and not compared. {result.requests:,} look-ups.")
        for one in sums:
            say(f"Events: {one}.")
        for row in wrong[:_MOST_SHOWN]:
            say(escape(result.in_words(row)))
        for row in result.unreadable_rows()[:_MOST_SHOWN]:
            say(escape(" · ".join(f"{name} {value or 'not told'}" for name, value in row.items())))
        if file:
            say(escape(str(file)))
    if wrong:
        raise JobFailed(f"{len(wrong):,} calls of {found.name} do not agree with the provider's")
    if untold:
        raise JobFailed(f"events of {found.name} do not add up: {'; '.join(untold)}")
    if result.unreadable:
        raise JobFailed(
            f"{len(result.unreadable):,} rows of the provider's list cannot be read and may be calls "
            f"of {found.name}: look at them in its dashboard"
        )


def recordings(
    campaign: Name,
    *,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder of the recordings.")],
    max_mb: Annotated[int, typer.Option(min=1, help="Longest recording taken, megabytes.")] = 200,
    as_json: AsJson = False,
) -> None:
    """Fetch a campaign's recordings into a folder; asking again fetches what is missing.

    Files are named contact_attempt_sid.mp3, and recordings.csv lists them. Our credentials go to
    the provider's own hosts alone.
    """
    books = open_books()
    found = books.wiring.campaigns.find(campaign)
    fetcher = books.recordings(max_bytes=max_mb * 1_000_000)
    with progress(f"Fetching recordings of {escape(found.name)}") as on_share:
        fetched = fetcher.fetch(
            books.source_of(found).contacts,
            out,
            on_contact=lambda n: on_share(n / max(found.accepted, 1)),
        )
    counts = fetched.counts
    if as_json:
        say_json(
            {"campaign_id": found.id, "name": found.name, **counts, "index": str(fetched.index)}
        )
    else:
        say(
            f"{counts['new']:,} fetched, {counts['here']:,} were here, {counts['failed']:,} failed."
        )
        say(escape(str(fetched.index)))
    if counts["failed"]:
        raise JobFailed(
            f"{counts['failed']:,} recordings could not be fetched; {fetched.index} says why"
        )


def archive(
    campaign: Name,
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Give up durations and prices still expected.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Move a campaign that is over from Redis into Parquet files, read back before Redis is freed.

    Reports, reconcile and recordings work as before; the list of campaigns still shows it.
    """
    books = open_books()
    found = books.wiring.campaigns.find(campaign)
    with progress(f"Archiving {escape(found.name)}") as on_share:
        kept, card = books.archiving.archive(found, force=force, on_progress=on_share)
    if as_json:
        say_json(
            {
                "campaign_id": found.id,
                "name": found.name,
                "folder": str(kept.folder),
                "files": card.files,
            }
        )
        return
    for name, known in card.files.items():
        say(f"[green]✓[/green] {name}: {known['rows']:,} rows")
    say(escape(str(kept.folder)))


def delete(
    campaign: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a campaign that was archived, with all its files: nothing of it can be reported again.

    Its name and its list may be used again. The audit trail tells that it was there.
    """
    books = open_books()
    found = books.wiring.campaigns.find(campaign)
    if found.archived_at is not None and not yes:
        question = (
            f"Delete {found.name} with its {found.accepted:,} contacts, and its files, for good?"
        )
        typer.confirm(question, abort=True, err=True)
    folder = books.deleting.delete(found)
    told = {"campaign_id": found.id, "name": found.name, "folder": str(folder)}
    answer(told, f"{escape(found.name)} is gone, and {escape(str(folder))}.", as_json=as_json)


def purge(
    *,
    campaign: Annotated[
        str | None, typer.Option(help="Forget everybody in this campaign, which must be over.")
    ] = None,
    number: Annotated[
        list[str] | None, typer.Option(help="Forget this number, in all campaigns.")
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="180d", help="Forget campaigns that ended so many days (d, h) ago."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove personal data: numbers, uploaded cells, links to recordings; prints a certificate.

    In Redis and the file it keeps, in archives, journals, and files in the data folder: uploads,
    rejected rows, reviews, rehearsals, reports. Rows stay, so every sum still adds up. A contact
    still to be dialled keeps its number: suppress or cancel it first. The list of suppressed
    numbers stays, and so do reports and recordings in folders of your own. What is left, where
    and why stands in the certificate. DIALER_KEEP_DAYS does it daily.
    """
    if number and len(number) > 1:
        raise WrongUse(
            f"--number is given {len(number)} times: a certificate is of one number, "
            "so run it once for each"
        )
    if sum(one is not None for one in (campaign, number, older_than)) != 1:
        raise WrongUse("say what to forget: one of --campaign, --number and --older-than")
    books = open_books()
    purging = books.purging(dry_run=dry_run)
    if campaign is not None:
        purged = purging.campaign(books.wiring.campaigns.find(campaign))
    elif number is not None:
        purged = purging.number(_e164(number[0], books.wiring.phone_rules))
    else:
        purged = purging.older_than(_age_s(older_than or ""))
    of = (
        f"campaign {campaign}"
        if campaign
        else mask_text(f"number {number[0]}" if number else f"what ended {older_than} ago")
    )
    if as_json:
        at = iso(books.as_of())
        say_json({"dry_run": dry_run, "of": of, "at": at, **purged.as_json()})
    else:
        say(f"Certificate of erasure, {books.as_of():%Y-%m-%d %H:%M:%S} UTC, of {escape(of)}.")
        verb = "Would remove" if dry_run else "Removed"
        say(
            f"{verb} personal data of {purged.contacts:,} contacts, {purged.attempts:,} attempts, "
            f"{purged.rejected:,} rejected rows, {purged.callbacks:,} stray callbacks and "
            f"{purged.recordings:,} recordings, in "
            f"{len(purged.campaigns):,} campaigns, {len(purged.archives):,} archives and "
            f"{len(purged.files):,} files."
        )
        for path in purged.files:
            say(escape(path))
        for one in purged.traces:
            say(escape(one.where))
        say("What remains:" if purged.remains else "Nothing remains of it here.")
        for one in purged.remains:
            say(escape(f"  {one.where}: {one.why}{_until(one.until)}"))
        say(
            "[dim]Not looked at: reports and recordings outside of the data folder, data folders of "
            "other hosts, backups, logs (numbers are masked there).[/dim]"
        )
    if purged.kept:
        complain(*(f"{contact} is still to be dialled" for contact in purged.kept[:_MOST_SHOWN]))
        raise JobFailed(
            f"{len(purged.kept):,} contacts keep the number until they are dialled or cancelled"
        )


def _until(epoch_s: float | None) -> str:
    return f", until {local(epoch_s, UTC)}" if epoch_s else ""


def _age_s(text: str) -> float:
    found = _AGE.fullmatch(text.strip())
    if not found:
        raise WrongUse(f"--older-than {text}: write days or hours, such as 180d or 12h")
    return int(found[1]) * (_DAY_S if found[2] == "d" else 3600)


def _e164(number: str, rules: Any) -> str:
    match parse_phone(number, rules):
        case Phone(e164):
            return e164
        case problem:
            raise WrongUse(
                f"--number: found {problem.found!r}, expected {problem.expected}, "
                "such as +919000000001"
            )
