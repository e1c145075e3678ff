"""How much a campaign may call. A day ends at the zone's midnight; a cap of 0 is none."""

from functools import partial
from typing import Annotated, Self

from pydantic import Field, model_validator

from campaigns.rules.declaring import Hurried, Panel, declared
from campaigns.rules.kinds import Country, SomeRules
from campaigns.sentence import told

_rule = partial(declared, Panel.CAPS)


class CapRules(SomeRules):
    """What it may use on a day, and at once."""

    max_calls_per_day: int = _rule(
        Field(0, ge=0),
        "Calls a day",
        "of the campaign; 0: no cap",
        "N",
        "5000",
        hurried=Hurried.LEFT_OUT,
    )
    max_spend_per_day: float = _rule(
        Field(0, ge=0),
        "Spend a day",
        "each call sets aside its price at the time limit: minutes, rounded up, times "
        "the price of a minute; 0: no cap",
        "MONEY",
        "2000",
        hurried=Hurried.LEFT_OUT,
    )
    price_per_min: float = _rule(
        Field(0, ge=0),
        "Price of a minute",
        "what a minute costs, in the billing currency",
        "MONEY",
        "0.6",
    )
    max_calls_per_number: int = _rule(
        Field(0, ge=0),
        "Calls a day to one customer",
        "counted over all campaigns that set it; 0: no cap",
        "N",
        "2",
        hurried=Hurried.LEFT_OUT,
    )
    country_calls_per_day: dict[Country, Annotated[int, Field(ge=1)]] = _rule(
        Field(default_factory=dict),
        "Calls a day to a country",
        "of the campaign to a country; once for each",
        "CC=N",
        "AE=50",
        several=True,
        hurried=Hurried.LEFT_OUT,
    )
    max_concurrent_calls: int = _rule(
        Field(0, ge=0),
        "Calls at once",
        "of the campaign at once; each takes two of the account's channels; 0: no cap",
        "N",
        "25",
    )

    @property
    def has_daily_caps(self) -> bool:
        """Calls or spending are capped by the day."""
        return bool(
            self.max_calls_per_day
            or self.max_spend_per_day
            or self.max_calls_per_number
            or self.country_calls_per_day
        )

    @model_validator(mode="after")
    def _knows_the_price(self) -> Self:
        if self.max_spend_per_day and not self.price_per_min:
            raise ValueError(told("max_spend_per_day needs price_per_min, the price of a minute"))
        return self
