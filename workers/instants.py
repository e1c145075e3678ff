"""Instants, as they are stored, as programs are told them, and as people write them."""

from datetime import UTC, datetime, tzinfo


def instant(epoch_s: float) -> datetime:
    """Tell an instant."""
    return datetime.fromtimestamp(epoch_s, UTC)


def instant_or_none(epoch_s: float | None) -> datetime | None:
    """Tell an instant that there may be none of: None, or 0."""
    return instant(epoch_s) if epoch_s else None


def as_written(text: str, zone: tzinfo) -> datetime:
    """Read an instant that a person wrote, in this zone if it names none.

    Raises:
        ValueError: It is none.
    """
    at = datetime.fromisoformat(text.strip())
    return at if at.tzinfo else at.replace(tzinfo=zone)
