"""Horizontal bars as a small SVG, readable on light and dark pages, without a plotting library."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _LABEL, _BAR, _ROW = 720, 230, 380, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar.

    Args:
        text: Stands behind it.
        is_ours: Drawn in another colour.
    """

    label: str
    value: float
    text: str
    is_ours: bool = False


def bar_chart(title: str, bars: Sequence[Bar], *, goal: float | None = None) -> str:
    """Draw bars to one scale, from 0.

    Args:
        goal: Where a line is drawn across them; None: no line.
    """
    largest = max([bar.value for bar in bars] + ([goal] if goal else [])) or 1
    height = 40 + _ROW * len(bars)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}" '
        'font-family="sans-serif" font-size="13" fill="#777">'
    )
    lines = [head, f'<text x="8" y="20" font-weight="bold">{escape(title)}</text>']
    for place, bar in enumerate(bars):
        top = 32 + _ROW * place
        length = max(1.0, _BAR * bar.value / largest)
        colour = "#2a7f62" if bar.is_ours else "#b0b7bd"
        lines += [
            f'<text x="{_LABEL - 8}" y="{top + 13}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect x="{_LABEL}" y="{top}" width="{length:.0f}" height="16" fill="{colour}"/>',
            f'<text x="{_LABEL + length + 6:.0f}" y="{top + 13}">{escape(bar.text)}</text>',
        ]
    if goal:
        at = f"{_LABEL + _BAR * goal / largest:.0f}"
        line = f'x1="{at}" x2="{at}" y1="28" y2="{height - 6}"'
        lines += [
            f'<line {line} stroke="#c2571a" stroke-dasharray="4 3"/>',
            f'<text x="{at}" y="24" fill="#c2571a" text-anchor="middle">goal</text>',
        ]
    return "\n".join([*lines, "</svg>", ""])
