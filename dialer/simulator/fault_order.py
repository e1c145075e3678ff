"""What a test may order at POST /_simulator/faults."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dialer.simulator.fates import Fate
from dialer.simulator.faults import CallbackTrouble, Fault
from dialer.simulator.world import World


def _fault(text: object) -> object:
    return Fault.parse(text) if isinstance(text, str) else text


FaultText = Annotated[Fault, BeforeValidator(_fault)]
Times = Annotated[int, Field(ge=1, le=1_000_000)]
Probability = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConnectOrder(_Part):
    """The next `times` connects, of `number` as agent or customer or of anyone, meet the fault."""

    fault: FaultText
    times: Times = 1
    number: str | None = None
    retry_after: str | None = None


class ReadOrder(_Part):
    """The next `times` GETs meet the fault."""

    fault: FaultText
    times: Times = 1


class CallbackOrder(_Part):
    """The next `times` callbacks, about `number` or about anyone, meet the trouble."""

    trouble: CallbackTrouble
    times: Times = 1
    number: str | None = None


class Odds(_Part):
    """Probabilities that replace those of the options; None leaves a kind as it is."""

    connect: Mapping[FaultText, Probability] | None = None
    read: Mapping[FaultText, Probability] | None = None
    callback: Mapping[CallbackTrouble, Probability] | None = None


class FaultOrder(_Part):
    """The whole order; see `admin` for an example."""

    clear: bool = False
    connect: tuple[ConnectOrder, ...] = ()
    read: tuple[ReadOrder, ...] = ()
    callback: tuple[CallbackOrder, ...] = ()
    odds: Odds = Odds()
    scripts: Mapping[str, Annotated[tuple[Fate, ...], Field(min_length=1)]] = {}

    def carry_out(self, world: World) -> None:
        """Queue everything that was ordered."""
        faults = world.faults
        if self.clear:
            faults.clear_queues()
        for connect in self.connect:
            fault = Fault(connect.fault.trouble, connect.fault.placed, connect.retry_after)
            faults.queue_connect(fault, times=connect.times, number=connect.number)
        for read in self.read:
            faults.queue_read(read.fault, times=read.times)
        for callback in self.callback:
            faults.queue_callback(callback.trouble, times=callback.times, number=callback.number)
        for number, fates in self.scripts.items():
            world.exchange.script(number, fates)
        if self.odds.connect is not None:
            faults.connect_odds = dict(self.odds.connect)
        if self.odds.read is not None:
            faults.read_odds = dict(self.odds.read)
        if self.odds.callback is not None:
            faults.callback_odds = dict(self.odds.callback)
