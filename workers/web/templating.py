"""Templates in one language, and how values are written in them for people."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from campaigns.sentence import MONTHS, counted, told
from workers.web.texts import Texts


def speaking(texts: Texts) -> Environment:
    """Make what reads templates, and says what stands in them in one language, sentences as well."""
    environment = Environment(
        loader=PackageLoader("workers.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=texts.say,
    )

    def shown(values: dict[str, Any]) -> dict[str, Any]:
        count = {"count": number(values["count"])} if isinstance(values.get("count"), int) else {}
        return {name: texts.say(one) for name, one in {**values, **count}.items()}

    def gettext(english: str, /, **values: Any) -> Markup:
        return Markup(texts.text(english)) % shown(values)  # noqa: S704  # our own, as templates are

    def ngettext(one: str, many: str, count: int, /, **values: Any) -> Markup:
        return Markup(texts.plural(one, many, count)) % shown(values)  # noqa: S704

    environment.newstyle_gettext = True  # type: ignore[attr-defined]
    environment.policies["ext.i18n.trimmed"] = True
    environment.globals |= {"_": gettext, "gettext": gettext, "ngettext": ngettext}
    return environment


def number(value: float | None) -> str:
    """Write a number with its thousands apart."""
    return "–" if value is None else f"{value:,}"


def percent(part: float, whole: float) -> str:
    """Write a share; nothing of nothing is a dash."""
    return f"{part / whole:.1%}" if whole else "–"


def words(code: str | None) -> str:
    """Write one of our fixed words as people do."""
    return "" if code is None else told(str(code).replace("_", " "))


def duration(seconds: float | None) -> str:
    """Write seconds as `42 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`."""
    if seconds is None:
        return "–"
    whole = round(seconds)
    for large, small, (of_large, of_small) in _UNITS:
        if whole >= large:
            first, rest = told(of_large, n=whole // large), whole % large // small
            return (
                told("{first} {rest}", first=first, rest=told(of_small, n=rest)) if rest else first
            )
    return told(_S, n=whole)


_S, _MIN, _H, _D = told("{n} s"), told("{n} min"), told("{n} h"), told("{n} d")
_UNITS = ((86400, 3600, (_D, _H)), (3600, 60, (_H, _MIN)), (60, 1, (_MIN, _S)))


def count(number_: int, what: str) -> str:
    """Write how many of something, named in a template by its singular."""
    return counted(f"{{count:,}} {what}", f"{{count:,}} {what}s", number_)


def in_bytes(count: float) -> str:
    """Write an amount of memory."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def instant(epoch_s: float | None, zone: ZoneInfo) -> str:
    """Write an instant with its date."""
    if epoch_s is None:
        return "–"
    at = _local(epoch_s, zone)
    month = MONTHS[at.month - 1]
    return told(
        "{day} {month} {year}, {clock}",
        day=f"{at:%d}",
        month=month,
        year=at.year,
        clock=f"{at:%H:%M:%S}",
    )


def clock(epoch_s: float | None, zone: ZoneInfo) -> str:
    """Write an instant of today, or nearly."""
    return "–" if epoch_s is None else f"{_local(epoch_s, zone):%H:%M:%S}"


def phone(e164: str) -> str:
    """Write a number in groups that the eye can hold: +91 98765 43210."""
    if e164.startswith("+91") and len(e164) == 13:
        return f"+91 {e164[3:8]} {e164[8:]}"
    return e164


def code_marks(text: str) -> Markup:
    """Write what stands between backticks as code."""
    pieces = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if i % 2 else escape(piece)
        for i, piece in enumerate(pieces)
    )


def _local(epoch_s: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC).astimezone(zone)
