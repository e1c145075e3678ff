"""All that one run of the simulator knows; a reset begins another."""

from random import Random

from dialer.simulator.bodies import CallPrinter
from dialer.simulator.callbacks import CallbackSender
from dialer.simulator.clock import SimulatorClock
from dialer.simulator.exchange import Exchange
from dialer.simulator.faults import FaultPlan
from dialer.simulator.ledger import Ledger
from dialer.simulator.limiter import RollingWindow
from dialer.simulator.options import SimulatorOptions


class World:
    """The clock, the limit, the calls, the books, the faults and the sender of callbacks."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.clock = SimulatorClock(speed=options.speed)
        self.limiter = RollingWindow(
            limit=options.rate_limit,
            window_s=options.rate_window_s,
            count_rejected=options.count_rejected,
        )
        self.faults = FaultPlan(
            seed=options.seed,
            connect=options.faults,
            read=options.read_faults,
            callback=options.callback_faults,
        )
        self.exchange = Exchange(options, self.clock)
        self.ledger = Ledger(window_s=options.rate_window_s)
        self.printer = CallPrinter(account_sid=options.account_sid, clock=self.clock)
        self.rng = Random(options.seed)  # noqa: S311 - a delay, not a secret
        self.sender = CallbackSender(
            options,
            clock=self.clock,
            faults=self.faults,
            ledger=self.ledger,
            printer=self.printer,
        )


class Simulator:
    """The options, and the world they made; requests under way keep the world they came into."""

    def __init__(self, options: SimulatorOptions) -> None:
        self.options = options
        self.world = World(options)

    async def reset(self) -> None:
        """Forget every request, call, fault and script that came after the start."""
        former, self.world = self.world, World(self.options)
        await former.sender.close()

    async def close(self) -> None:
        await self.world.sender.close()
