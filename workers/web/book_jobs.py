"""What is done with books on the pages' behalf, each in a process apart: it tells how far it is, may
write files into a folder, and answers with plain values. `counts` is what the audit trail hears.
"""

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from campaigns.contact_state import ContactState
from dialer.ids import ContactId
from dialer.settings import Settings
from dialer.steering.calling_back import NoCallBack, call_back
from dialer.store.recordings import KeptRecordings
from dialer.store.snapshot import contact_lines
from workers.doctor import examine, examine_account
from workers.record_keeping import RecordKeeping
from workers.web.jobs import opened_apart
from workers.web.subprocesses import Tell

_MOST_SHOWN = 200


def compare(
    tell: Tell, folder: Path, settings: Settings, *, account: str, campaign_id: str
) -> dict[str, Any]:
    """Compare a campaign with the provider's list of calls; a row a call goes into a file."""
    with _books(settings, account) as books:
        campaign, as_of = books.wiring.campaigns.find(campaign_id), books.as_of()
        contacts = books.source_of(campaign).contacts
        found = books.reconciling.reconcile(campaign.id, contacts, as_of=as_of, on_progress=tell)
        found.write(folder, campaign=campaign, as_of=as_of)
        wrong = found.disagreeing()
        _, sums, untold = books.events_of(campaign.id)
        return {
            "counts": found.counts | {"live": found.live},
            "wrong": [found.in_words(row) for row in wrong[:_MOST_SHOWN]],
            "wrong_count": len(wrong),
            "unreadable": found.unreadable_rows()[:_MOST_SHOWN],
            "sums": sums,
            "untold": untold,
            "requests": found.requests,
        }


def keep_recordings(
    tell: Tell, _folder: Path, settings: Settings, *, account: str, campaign_id: str
) -> dict[str, Any]:
    """Have every recording of a campaign fetched that is not kept yet, those given up once more."""
    counts = Counter({"kept": 0, "waiting": 0})
    with _books(settings, account) as books:
        db, campaign = books.wiring.db, books.wiring.campaigns.find(campaign_id)
        recordings = KeptRecordings(db)
        for line in contact_lines(db, campaign.id, size=campaign.accepted):
            tell(line.n / campaign.accepted)
            linked = {one.attempt.no: one.id for one in line.attempts if one.attempt.recording_url}
            kept = recordings.of(campaign.id, line.n, list(linked))
            for no, id_ in linked.items():
                is_kept = no in kept and bool(kept[no].name)
                counts["kept" if is_kept else "waiting"] += 1
                if not is_kept:
                    recordings.add(id_)
    return {"counts": dict(counts)}


def call_back_all(
    tell: Tell,
    _folder: Path,
    settings: Settings,
    *,
    account: str,
    campaign_id: str,
    outcome: str,
    at: datetime,
) -> dict[str, Any]:
    """Have everybody of a campaign who ended so called again, each under the campaign's rules."""
    counts, why_not = Counter({"waiting": 0, "left": 0}), Counter[str]()
    with _books(settings, account) as books:
        db, campaign = books.wiring.db, books.wiring.campaigns.find(campaign_id)
        for line in contact_lines(db, campaign.id, size=campaign.accepted):
            tell(line.n / campaign.accepted)
            record = line.record
            if record.state is not ContactState.FINAL or record.outcome != outcome:
                continue
            id_ = ContactId(campaign.id, line.n)
            try:
                call_back(db, id_, at, reopen=True)
                counts["waiting"] += 1
            except NoCallBack as error:
                counts["left"] += 1
                why_not[str(error).removeprefix(f"contact {id_} ")] += 1
    return {"counts": dict(counts), "why_not": dict(why_not)}


def archive(
    tell: Tell, _folder: Path, settings: Settings, *, account: str, campaign_id: str, force: bool
) -> dict[str, Any]:
    """Move a campaign that is over into files."""
    with _books(settings, account) as books:
        campaign = books.wiring.campaigns.find(campaign_id)
        kept, card = books.archiving.archive(campaign, force=force, on_progress=tell)
        rows = {name: known["rows"] for name, known in card.files.items()}
        return {"counts": rows, "folder": str(kept.folder)}


def delete(
    _tell: Tell, _folder: Path, settings: Settings, *, account: str, campaign_id: str
) -> dict[str, Any]:
    """Delete an archived campaign."""
    with _books(settings, account) as books:
        campaign = books.wiring.campaigns.find(campaign_id)
        folder = books.deleting.delete(campaign)
        return {"counts": {"accepted": campaign.accepted}, "folder": str(folder)}


def purge(
    _tell: Tell,
    _folder: Path,
    settings: Settings,
    *,
    account: str,
    what: str,
    value: str,
    dry_run: bool,
) -> dict[str, Any]:
    """Forget people, or tell what would go.

    Args:
        what: `number`, `campaign` or `days`, of which `value` is one: E.164, an id, how many.
    """
    with _books(settings, account) as books:
        purging = books.purging(dry_run=dry_run)
        if what == "number":
            purged = purging.number(value)
        elif what == "campaign":
            purged = purging.campaign(books.wiring.campaigns.find(value))
        else:
            purged = purging.older_than(int(value) * 86_400.0)
        told = asdict(purged)
        counts = {name: n if isinstance(n, int) else len(n) for name, n in told.items()}
        return {"counts": counts, "at": books.as_of().timestamp(), "purged": told}


def check(
    _tell: Tell, _folder: Path, settings: Settings, *, account: str, whole: bool
) -> dict[str, Any]:
    """Examine whether all is fit for dialling.

    Args:
        whole: The installation too, and not the account alone.
    """
    with _books(settings, account) as books:
        found = (examine if whole else examine_account)(books.wiring)
        return {"findings": [asdict(one) for one in found]}


@contextlib.contextmanager
def _books(settings: Settings, account: str) -> Iterator[RecordKeeping]:
    with opened_apart(settings, account) as wiring:
        yield RecordKeeping(wiring)
