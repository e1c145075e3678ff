"""The examples of docs/crm.md, run as they stand there, against a dialer and a provider."""

import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

from dialer.simulator import SimulatorOptions
from tests.acceptance.rig import dialer, pairs
from tests.patience import until
from workers.sandbox import running

CRM = Path(__file__).parents[2] / "docs" / "crm.md"
LEADS = 24
ONE_CALL = ("--max-attempts", "1", "--hours", "always", "--wrap-up", "0",
            "--retry", "agent_no_answer=1x3", "--retry", "agent_busy=1x3",
            "--retry", "agent_failed=1x3", "--retry", "customer_not_dialled=1x3",
            "--retry", "provider_failed=1x3")  # fmt: skip


def example(name: str) -> ModuleType:
    """Run a program of the page as a module of its own."""
    text = CRM.read_text(encoding="utf-8")
    (code,) = re.findall(rf"```python\n(# {name}\.py.*?)```", text, re.DOTALL)
    module = ModuleType(name)
    exec(compile(code, f"{name}.py", "exec"), module.__dict__)
    return module


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def gateway(sent: list[dict]) -> type[BaseHTTPRequestHandler]:
    """An SMS gateway that fails at first."""

    class Gateway(BaseHTTPRequestHandler):
        failures = 1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fails = Gateway.failures > 0
            Gateway.failures -= 1
            if not fails:
                sent.append(json.loads(body))
            self.send_response(503 if fails else 201)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    return Gateway


def test_leads_come_back_with_their_outcome_and_who_did_not_answer_gets_one_message(
    tmp_path, monkeypatch
):
    crm, hook = example("outcomes"), example("outcomes")
    monkeypatch.setitem(sys.modules, "outcomes", hook)
    missed = example("missed")
    sent: list[dict] = []
    options = SimulatorOptions(rate_limit=100, rate_window_s=3, speed=120)
    roles = ("web", "feeder", "results", "worker", "events")
    with ExitStack() as stack:
        provider = stack.enter_context(running(options))
        rig = stack.enter_context(
            dialer(
                tmp_path,
                provider,
                roles=roles,
                DIALER_ALLOWED_URL_HOSTS="127.0.0.1",
                EXOTEL_RATE_LIMIT="100",
                EXOTEL_RATE_WINDOW_S="3",
                DIALER_FINAL_VALUES_AFTER_S="2",
            )
        )
        missed.GATEWAY = stack.enter_context(serving(gateway(sent)))
        campaign = rig.load(pairs(1, agents=1), *ONE_CALL, name="renewals")["campaign_id"]
        crm.KEY = rig.json("key", "create", "crm", "--scope", "operate", "--scope", "upload")["key"]
        crm.API = f"http://127.0.0.1:{rig.port}/api/v1"
        for module, only in ((crm, ()), (hook, ("--campaign", "renewals"))):
            url = stack.enter_context(serving(module.Hook))
            made = rig.json("webhook", "add", url, "--events", "contact.final", *only)
            module.SECRET = made["secret"]
        for n in range(1, LEADS + 1):
            for _ in range(2):  # as after an answer that was lost
                crm.push_lead(campaign, f"crm-{n}", f"+9190000001{n:02}", f"+9198765433{n:02}")

        rig.run("campaign", "start", "renewals")
        is_over = lambda: rig.status("renewals")["state"] == "completed"
        until(is_over, within_s=120, what="the campaign's end", every_s=1)
        rows = rig.attempts("renewals")  # one of each
        outcomes = {one["external_id"]: one["outcome"] for one in rows if one["external_id"]}
        until(
            lambda: {id_: one["outcome"] for id_, one in crm.leads.items()} == outcomes,
            what="all outcomes at the CRM",
        )

        silent = [one["customer"] for one in rows if one["outcome"] == "customer_no_answer"]
        until(lambda: len(sent) >= len(silent), what="the messages")
        assert sorted(one["to"].lstrip("+") for one in sent) == sorted(
            one.lstrip("+") for one in silent
        )
        assert len(outcomes) == LEADS
        assert len({one["reference"] for one in sent}) == len(sent)
