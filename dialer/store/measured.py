"""What an account's processes measured, added up: one hash of its own."""

from collections.abc import Mapping

from redis.client import Pipeline

from dialer.store.database import Database, text_fields


def add_measured(db: Database, pipeline: "Pipeline", added: Mapping[str, float]) -> None:
    """Add to the account's figures, with a pipeline's other commands."""
    for field, by in added.items():
        pipeline.hincrbyfloat(db.key("meters"), field, by)


def read_measured(db: Database) -> dict[str, float]:
    """Read the account's figures, by field."""
    stored = text_fields(db.client.hgetall(db.key("meters")))
    return {field: float(value) for field, value in stored.items()}
