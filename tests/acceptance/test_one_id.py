"""One id follows a dial through the logs of every process."""

import json

from dialer.ids import AttemptId
from dialer.simulator import Fate, SimulatorOptions, running
from tests.acceptance.rig import IMPATIENT, Rig, dialer
from tests.patience import until

PROVIDER = SimulatorOptions(speed=240, values_late_s=60, outcomes={Fate.CONNECTED: 1})


def events_about(rig: Rig, id_: str) -> dict[str, set[str]]:
    """Find the events of each process whose line names an id."""
    found: dict[str, set[str]] = {}
    for role in ("feeder", "worker", "web", "results"):
        lines = [line for line in rig.log(role).splitlines() if id_ in line]
        found[role] = {json.loads(line)["event"] for line in lines}
    return found


def test_an_attempts_id_and_its_beginning_the_contacts_lead_through_every_log(tmp_path):
    with running(PROVIDER) as provider, dialer(tmp_path, provider, **IMPATIENT) as rig:
        rig.load(["+919876500001,+919000000001,Asha"], "--start", "--max-attempts", "1")
        rig.wait_for_state("completed")
        [row] = rig.attempts()
        attempt = AttemptId.parse(row["attempt_id"])
        until(
            lambda: "attempt_looked_up" in events_about(rig, str(attempt))["feeder"],
            what="a look-up for the final values",
        )

        by_attempt = events_about(rig, str(attempt))
        assert by_attempt["worker"] >= {"attempt_begun", "attempt_placed"}
        assert "callback_stored" in by_attempt["web"]
        told_by = by_attempt["results"] | by_attempt["feeder"]
        assert "attempt_settled" in told_by
        assert str(attempt).startswith(f"{attempt.contact}-")
        assert "released" in events_about(rig, str(attempt.contact))["feeder"]
