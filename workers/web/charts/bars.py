"""Bars of counts, each with its figure: parts of a whole, shares side by side, attempts in layers, money."""

from collections.abc import Iterator, Sequence

from campaigns.reports.figures import Tally
from campaigns.reports.indicators import RATES
from campaigns.sentence import Sentence, told
from workers.web.charts.shapes import Bars, Grid, Part, Row


def spend(rows: Sequence[tuple[str, Tally]], head: str) -> Bars:
    """Show what was paid, and how much of it for each."""
    paid = [(name, tally) for name, tally in rows if tally.price_micros]
    most = max((tally.price_micros for _, tally in paid), default=0)
    whole = sum(tally.price_micros for _, tally in paid)
    return Bars(
        tuple(
            Row(
                name,
                (Part("other", 0, 1000 * tally.price_micros / most, f"{tally.price:,.2f}"),),
                f"{tally.price:,.2f} · {tally.price_micros / whole:.0%}",
            )
            for name, tally in paid
        ),
        grid=Grid(
            (head, told("calls"), told("connected"), told("price"), told("share")),
            tuple(
                (name, tally.calls, tally.connected, tally.price, tally.price_micros / whole)
                for name, tally in paid
            ),
        ),
    )


def side_by_side(parts: Sequence[tuple[str, int, int]], head: str) -> Bars:
    """Set shares side by side, each a part of a whole of its own; a full bar is all of it.

    Args:
        parts: Name, part and whole.
    """
    return Bars(
        tuple(
            Row(
                name,
                (Part("connected", 0, 1000 * part / whole, f"{part / whole:.1%}"),)
                if whole
                else (),
                part_of_whole(part, whole) if whole else "–",
            )
            for name, part, whole in parts
        ),
        grid=Grid(
            (head, told("part"), told("whole"), told("share")),
            tuple(
                (name, part, whole, part / whole if whole else None) for name, part, whole in parts
            ),
        ),
    )


def part_of_whole(part: int, whole: int) -> Sentence:
    """Say a share and what it is of."""
    share = part / whole
    return told("{share:.1%} · {part:,} of {whole:,}", share=share, part=part, whole=whole)


_WHAT = (told("what"), told("count"))


def parts_of_whole(parts: Sequence[tuple[str, int, str]]) -> Bars:
    """Show parts that add up to the whole; those that are nothing are left out."""
    whole = sum(count for _, count, _ in parts)
    return shares([part for part in parts if part[1]] or parts[:1], whole=whole)


def shares(
    bars: Sequence[tuple[str, int, str]], *, whole: int, head: tuple[str, str] = _WHAT
) -> Bars:
    """Show counts as shares of a whole."""
    return Bars(
        tuple(
            Row(
                name,
                (
                    Part(
                        tone,
                        0,
                        1000 * count / whole if whole else 0,
                        told("{count:,} {name}", count=count, name=name),
                    ),
                ),
                f"{count:,} · {count / whole:.1%}" if whole else f"{count:,}",
            )
            for name, count, tone in bars
        ),
        grid=Grid(
            (*head, told("share")),
            tuple((name, count, count / whole if whole else None) for name, count, _ in bars),
        ),
    )


_LAYERS = (
    ("connected", told("connected")),
    ("customer", told("only the agent answered")),
    ("agent", told("agent did not answer")),
    ("other", told("no call")),
)
"""Tone and name of four parts into which attempts are split; they add up."""


def stacked(rows: Sequence[tuple[str, Tally]], head: str) -> Bars:
    """Show attempts in layers, one bar a row."""
    most = max((tally.attempts for _, tally in rows), default=0) or 1
    return Bars(
        tuple(Row(name, tuple(_layers(tally, most)), _told(tally)) for name, tally in rows),
        _LAYERS,
        Grid(
            (head, told("attempts"), *_COUNTED, *map(in_words, RATES)),
            tuple((name, tally.attempts, *_counted(tally)) for name, tally in rows),
        ),
    )


_COUNTED = (told("calls"), told("agent answered"), told("connected"))


def _counted(tally: Tally) -> Iterator[int | float | None]:
    for name in _COUNTED:
        yield getattr(tally, name.replace(" ", "_"))
    for part, whole in RATES.values():
        of_all = getattr(tally, whole)
        yield getattr(tally, part) / of_all if of_all else None


def _layers(tally: Tally, most: float) -> Iterator[Part]:
    counts = (
        tally.connected,
        tally.agent_answered - tally.connected,
        tally.calls - tally.agent_answered,
        tally.attempts - tally.calls,
    )
    x = 0.0
    for (tone, name), count in zip(_LAYERS, counts, strict=True):
        if count:
            width = 1000 * count / most
            yield Part(tone, x, width, told("{count:,} {name}", count=count, name=name))
            x += width


def _told(tally: Tally) -> str:
    if not tally.agent_answered:
        return f"{tally.attempts:,}"
    answered = share_answered(tally)
    return told("{count:,} · {share:.0%} answered", count=tally.attempts, share=answered)


def share_answered(tally: Tally) -> float:
    """Give the share of customers who answered."""
    return tally.connected / tally.agent_answered if tally.agent_answered else 0.0


def in_words(name: str) -> Sentence:
    """Write a name as people read it."""
    return told(name.replace("_", " "))
