"""The ledger in JSON's terms, row by row: with 100,000 of them nobody wants to wait for all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dialer.simulator.clock import SimulatorClock
from dialer.simulator.exchange import Call
from dialer.simulator.fates import Fate
from dialer.simulator.ledger import CallbackEntry, ConnectEntry, Ledger, ReadEntry
from dialer.simulator.parameters import unknown_names

SECTIONS = ("connects", "calls", "reads", "callbacks")


@dataclass(frozen=True, slots=True)
class LedgerPrinter:
    """Prints one ledger, with the wall stamps of its clock."""

    ledger: Ledger
    clock: SimulatorClock

    def rows(self, section: str) -> Iterator[dict[str, Any]]:
        """The rows of a section, as many as there are now."""
        match section:
            case "connects":
                return map(self._connect, tuple(self.ledger.connects))
            case "calls":
                return map(self._call, tuple(self.ledger.calls))
            case "reads":
                return map(self._read, tuple(self.ledger.reads))
            case _:
                return map(self._callback, tuple(self.ledger.callbacks))

    def _connect(self, entry: ConnectEntry) -> dict[str, Any]:
        fields = entry.fields
        return {
            **self._instant("arrived", entry.arrived_at_s),
            "parameters": dict(fields),
            "unknown_parameters": unknown_names(fields),
            "status": entry.status,
            "refused": entry.refused,
            "fault": entry.fault,
            "call_placed": entry.sid is not None,
            "sid": entry.sid,
        }

    def _call(self, call: Call) -> dict[str, Any]:
        request, course = call.request, call.course
        return {
            "sid": call.sid,
            "agent": request.agent,
            "customer": request.customer,
            "outcome": course.fate.outcome,
            "by_machine": course.fate is Fate.MACHINE,
            "status": course.status,
            "legs": [
                {"status": course.agent_status, "on_call_s": course.agent_on_call_s},
                {"status": course.customer_status, "on_call_s": course.talk_s},
            ],
            "agent_rings": course.agent_rings,
            "talk_s": course.talk_s,
            "total_s": course.ends_s,
            "price": call.price,
            **self._instant("placed", call.placed_at_s),
            **self._instant("ended", call.ends_at_s),
            "live": [call.placed_at_s, call.ends_at_s],
            "custom_field": request.custom_field,
            "status_callback": request.status_callback,
        }

    def _read(self, entry: ReadEntry) -> dict[str, Any]:
        return {
            **self._instant("arrived", entry.arrived_at_s),
            "target": entry.target,
            "status": entry.status,
        }

    def _callback(self, entry: CallbackEntry) -> dict[str, Any]:
        return {
            **self._instant("sent", entry.sent_at_s),
            "sid": entry.sid,
            "event": entry.event,
            "status": entry.status,
        }

    def _instant(self, name: str, at_s: float) -> dict[str, Any]:
        return {f"{name}_at_s": round(at_s, 6), f"{name}_at": self.clock.wall(at_s).isoformat()}
