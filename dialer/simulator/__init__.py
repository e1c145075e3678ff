"""An Exotel that rings no phone: it answers, is busy, drops, lies, and keeps the books.

api ──▶ limiter ──▶ parameters ──▶ exchange ──▶ callbacks     one request's way through
 └──────────▶ faults (what goes wrong) · ledger (what truly happened) ◀──── /_simulator
"""

from dialer.simulator.app import create_app
from dialer.simulator.fates import Fate
from dialer.simulator.faults import CallbackTrouble, Fault, Trouble
from dialer.simulator.options import SimulatorOptions
from dialer.simulator.server import running, serve

__all__ = [
    "CallbackTrouble",
    "Fate",
    "Fault",
    "SimulatorOptions",
    "Trouble",
    "create_app",
    "running",
    "serve",
]
