"""What the web process has done in a process apart is logged as its own is: masked, as JSON."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, logging, structlog
from dialer.settings import read_settings
from workers.web.subprocesses import Apart

def work(tell, number):
    structlog.get_logger("a").warning("spoke", number=number)
    logging.getLogger("b").warning("rang %s", number)
    return number

if __name__ == "__main__":
    settings = read_settings(env_file=None, redis_url="unix:///nowhere")
    asyncio.run(Apart(settings).run(work, lambda _: None, "+919876543210"))
"""


def test_a_child_logs_masked_json_as_its_parent_does(tmp_path: Path) -> None:
    script = tmp_path / "asks.py"
    script.write_text(SCRIPT, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=240, check=False
    )

    assert ended.returncode == 0, ended.stderr
    told = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [one["role"] for one in told] == ["web", "web"]
    assert "9876543210" not in ended.stderr + ended.stdout
    assert "******3210" in told[0]["number"]
