"""The web process, told to stop while people look: pages are open all day, so somebody always does."""

import re
from contextlib import ExitStack, contextmanager

import httpx

from tests.acceptance.rig import Rig, dialer

KEY = "an-admin-key-of-thirty-characters"
HEADERS = {"Authorization": f"Bearer {KEY}"}


@contextmanager
def opened(rig: Rig, path: str, **headers: str):
    """Follow a stream of events; its lines, from its first news on."""
    url = f"http://127.0.0.1:{rig.port}{path}"
    with httpx.stream("GET", url, headers=headers, timeout=240, verify=False) as answer:
        lines = answer.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        yield lines


def agents_link(rig: Rig) -> str:
    (rig.folder / "agents.csv").write_text("number,name\n+919876500000,Asha\n")
    rig.json("agents", "load", "agents.csv")
    return re.sub(r"https?://[^/]+", "", rig.json("agents", "link", "+919876500000")["url"])


def test_streams_end_when_the_web_process_is_told_to_stop_and_nothing_is_said_of_it(tmp_path):
    alone = dialer(tmp_path, "http://127.0.0.1:9", roles=("web",), DIALER_API_KEY=KEY)
    with alone as rig, ExitStack() as stack:
        rig.load(["+919876500000,+919000000000,Asha"])
        campaign = f"/campaigns/{rig.ids['camp']}/events"
        paths = (campaign, f"/api/v1{campaign}", f"{agents_link(rig)}/events")
        streams = [stack.enter_context(opened(rig, path, **HEADERS)) for path in paths]
        web = rig.processes["web"]

        web.terminate()
        rest = [list(one) for one in streams]  # to an end in good order; httpx raises at any other

        assert web.wait(timeout=240) == 0
        assert not {line for lines in rest for line in lines} & {"event: ended", "event: away"}
        told = rig.log("web")
        assert "Traceback" not in told
        assert not re.search(r"given_up|connections_cut|Cancel|exceeded", told)
