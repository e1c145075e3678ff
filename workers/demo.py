"""What the demo dials: a sample list, and settings that make hours pass in a minute."""

import io
from importlib import resources
from typing import BinaryIO

from dialer.simulator import SimulatorOptions

CALLER_ID = "+919000000000"
RETRIES = (
    "customer_busy=4s",
    "customer_no_answer=6s",
    "customer_failed=6s",
    "agent_left=4s",
    "agent_no_answer=3sx3",
    "agent_busy=3sx3",
    "agent_failed=3sx3",
    "customer_not_dialled=3sx2",
    "provider_failed=3sx2",
)
"""Seconds instead of minutes, as the calls take seconds too."""

SIMULATOR = SimulatorOptions(
    speed=25,  # some eighty calls of two minutes fit into one
    seed=11,
    values_late_s=60,
)
SETTINGS = {
    "EXOTEL_CALLER_ID": CALLER_ID,
    "DIALER_CALLING_HOURS": "always",
    "DIALER_WRAP_UP_S": "1",
    "DIALER_MAX_ATTEMPTS": "2",
    "DIALER_FINAL_VALUES_AFTER_S": "4",  # the simulator has them by then
    "DIALER_LOOKUP_EVERY_S": "5",
    "DIALER_CALL_SPEED": str(SIMULATOR.speed),
}


def sample_list() -> BinaryIO:
    """Open the sample list that comes with the package."""
    packaged = resources.files("workers").joinpath("sample", "contacts.csv")
    return io.BytesIO(packaged.read_bytes())
