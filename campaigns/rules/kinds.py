"""What a rule's value may be, and how people write it."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
)

from campaigns.dispositions import Disposition
from campaigns.hours.calling_hours import CallingHours
from campaigns.hours.local_day import zone_named
from campaigns.retry_policy import RetryRule, seconds_in


class SomeRules(BaseModel):
    """Rules of one subject. Frozen: a change makes a new version.

    Nothing is made of one subject alone, so validators are built where all are put together.
    """

    model_config = ConfigDict(
        frozen=True, arbitrary_types_allowed=True, extra="forbid", defer_build=True
    )


def _zone(name: str) -> str:
    zone_named(name)
    return name


def _written(kind: Any) -> tuple[PlainValidator, PlainSerializer]:
    """Take one of a kind, or what people write for it; kept as they would write it."""

    def read(value: Any) -> Any:
        if isinstance(value, str):
            return kind.parse(value)
        if isinstance(value, kind):
            return value
        raise ValueError("write it as text")

    return PlainValidator(read), PlainSerializer(str)


def _seconds(value: Any) -> Any:
    return seconds_in(value) if isinstance(value, str) else value


Seconds = Annotated[int, BeforeValidator(_seconds)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Hours = Annotated[CallingHours, *_written(CallingHours)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Retry = Annotated[RetryRule, *_written(RetryRule)]
Word = Annotated[Disposition, *_written(Disposition)]
