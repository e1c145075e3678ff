"""Files of tests run in forks: each test once, and what befalls one of them is told."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parents[2]
CONFTEST = "from tests.spreading import pytest_addoption, pytest_runtestloop\n"
MEETS = """
import time
from pathlib import Path

def test_meets_the_others(tmp_path):
    here = Path({met!r})
    (here / tmp_path.parent.name).touch()
    while len(list(here.iterdir())) < 3:
        time.sleep(0.01)
"""
FAILS = "def test_fails():\n    print('told')\n    assert 1 == 2\n"
DIES = "import os\n\ndef test_dies():\n    os._exit(3)\n\ndef test_after():\n    pass\n"


def run(folder: Path, *options: str, **files: str) -> "subprocess.CompletedProcess[str]":
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    for name, content in files.items():
        (folder / f"test_{name}.py").write_text(content)
    ours = ("--rootdir", folder, "-c", folder / "pytest.ini", "--processes", "3")
    return subprocess.run(
        [sys.executable, "-m", "pytest", *ours, *options, folder],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "300"},
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_files_run_beside_each_other_and_each_once(tmp_path):
    met = tmp_path / "met"
    met.mkdir()
    meets = {f"meets{n}": MEETS.format(met=str(met)) for n in range(3)}

    done = run(tmp_path, **meets, **{f"good{n}": "def test_good(): pass\n" for n in range(5)})

    assert done.returncode == 0, done.stdout
    assert "8 passed" in done.stdout
    assert len(list(met.iterdir())) == 3  # folders of its own for each


def test_a_failure_and_the_end_of_a_fork_are_told_with_their_tests(tmp_path):
    done = run(tmp_path, good="def test_good(): pass\n", fails=FAILS, dies=DIES)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "3 failed, 1 passed" in done.stdout
    assert "told" in done.stdout
    assert re.search(r"FAILED \S*::test_dies - its process ended with 3", done.stdout)
    assert re.search(r"FAILED \S*::test_after - it was not run", done.stdout)


def test_the_first_failure_ends_all_where_that_is_asked_for(tmp_path):
    waits = "import time\n\ndef test_waits():\n    time.sleep(200)\n"

    done = run(tmp_path, "-x", fails=FAILS, waits=waits)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed" in done.stdout
