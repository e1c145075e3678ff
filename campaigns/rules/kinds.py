"""What a rule's value may be, and how people write it."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
)
from pydantic_core import CoreSchema, core_schema

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


@dataclass(frozen=True, slots=True)
class _Written:
    """Take one of a kind, or what people write for it; kept as they would write it."""

    kind: Any

    def __get_pydantic_core_schema__(self, _source: Any, _handler: Any) -> CoreSchema:
        # its fields are nobody's: asking the handler for them would take each process a while
        return core_schema.no_info_plain_validator_function(
            self._read, serialization=core_schema.plain_serializer_function_ser_schema(str)
        )

    def _read(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.kind.parse(value)
        if isinstance(value, self.kind):
            return value
        raise ValueError("write it as text")


def _seconds(value: Any) -> Any:
    return seconds_in(value) if isinstance(value, str) else value


Seconds = Annotated[int, BeforeValidator(_seconds)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Hours = Annotated[CallingHours, _Written(CallingHours)]
Country = Annotated[str, StringConstraints(pattern="^[A-Z]{2}$")]
Retry = Annotated[RetryRule, _Written(RetryRule)]
Word = Annotated[Disposition, _Written(Disposition)]
