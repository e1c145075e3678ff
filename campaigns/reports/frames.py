"""A report's figures as tables; what stands in their columns is told in docs/reports.md."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

import pandas as pd

from campaigns.attempt import SIDES
from campaigns.reports.figures import TALLIED
from campaigns.reports.indicators import RATES, Figure
from campaigns.reports.report import TIMES, Group, Report


def summary_frame(report: Report) -> pd.DataFrame:
    """Tell what the report is about, the counts with their sums, and the indicators."""
    return _figures([*_about(report), *report.counts, *report.kpis])


def kpis_frame(report: Report) -> pd.DataFrame:
    """Give the dictionary of indicators."""
    return _figures(report.kpis)


def groups_frame(groups: Sequence[Group]) -> pd.DataFrame:
    """Give a row of each group: its key, its tally, its rates; 0 ÷ 0 is missing."""
    tallies = [asdict(group.tally) for group in groups]
    frame = pd.DataFrame(tallies, columns=TALLIED, dtype="int64")
    frame.insert(0, "key", [group.key for group in groups])
    frame["price"] = [f"{group.tally.price.normalize():f}" for group in groups]
    for rate, (part, whole) in RATES.items():
        frame[rate] = frame[part] / frame[whole]
    return frame


def agents_frame(report: Report) -> pd.DataFrame:
    """Give a row of each agent, with how they spent their time."""
    frame = groups_frame(report.by_agent)
    times = [one.times for one in report.by_agent]
    for name in TIMES:
        frame[name] = pd.Series([getattr(one, name) for one in times], dtype="int64")
    frame["occupancy"] = pd.Series([one.share for one in times], dtype="float64")
    return frame


def hours_frame(report: Report) -> pd.DataFrame:
    """Give a row of each hour, which names its zone."""
    return groups_frame(report.by_hour).assign(zone=report.subject.zone.key)


def outcomes_frame(report: Report) -> pd.DataFrame:
    """Give a row of each outcome, which names whose doing it was."""
    frame = groups_frame(report.by_outcome)
    return frame.assign(side=[side(key) for key in frame["key"]])


def side(group: str) -> str:
    """Tell whose doing an outcome was; '' while there is none."""
    return next((name for name, outcomes in SIDES.items() if group in outcomes), "")


def _figures(figures: Iterable[Figure]) -> pd.DataFrame:
    # numbers stay what they are: a column of counts and rates has no one type
    return pd.DataFrame([asdict(one) for one in figures], dtype=object)


def _about(report: Report) -> Iterator[Figure]:
    subject = report.subject
    yield Figure("campaign", subject.campaign)
    yield Figure("campaign_id", subject.campaign_id)
    if subject.account:
        yield Figure("account", subject.account)
    yield Figure("campaign_state", subject.state)
    yield Figure("as_of", subject.as_of.astimezone(subject.zone).isoformat(timespec="seconds"))
    yield Figure("zone", subject.zone.key)
    yield Figure(
        "standing",
        report.standing,
        formula="final once the campaign has ended and no value can change any more",
    )
    for no, content_hash in enumerate(subject.input_hashes, start=1):
        yield Figure(f"input_{no}_sha256", content_hash)
    if subject.in_part:
        yield Figure("input_in_part_sha256", subject.in_part, formula=subject.what_is_missing)
