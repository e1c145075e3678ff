"""What an examination found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How an examination ended."""

    OK = "ok"
    WARN = "warn"  # it will dial, but a person should look
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was examined, how it is, and what to do about it.

    Args:
        on_page: What to do, for who reads it on a page, where the remedy names a command.
    """

    name: str
    verdict: Verdict
    says: str
    remedy: str = ""
    on_page: str = ""


def ok(name: str, says: str) -> Finding:
    """Find something as it should be."""
    return Finding(name, Verdict.OK, says)


def warn(name: str, says: str, remedy: str, on_page: str = "") -> Finding:
    """Find something that a person should look at."""
    return Finding(name, Verdict.WARN, says, remedy, on_page)


def fail(name: str, says: str, remedy: str, on_page: str = "") -> Finding:
    """Find something that must be mended before dialling."""
    return Finding(name, Verdict.FAIL, says, remedy, on_page)


def judged(
    is_fit: bool,
    name: str,
    says: str,
    remedy: str,
    on_page: str = "",
    *,
    otherwise: Verdict = Verdict.WARN,
) -> Finding:
    """Find something fit, or in need of a remedy."""
    return ok(name, says) if is_fit else Finding(name, otherwise, says, remedy, on_page)
