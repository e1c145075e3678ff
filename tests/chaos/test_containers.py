"""The image is made by the steps of its Containerfile: here in a clean folder, since no engine is at hand.

What only an engine has is not tried: the base image, its users, and that nothing else may be written.
"""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLACES = ("/src", "/opt/dialer", "/opt/build")


@dataclass
class Stage:
    """What stands between two lines FROM: instructions, in their order."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def last(self, word: str) -> str:
        return [text for name, text in self.steps if name == word][-1]


def stages() -> list[Stage]:
    text = (ROOT / "deploy/Containerfile").read_text(encoding="utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ")
    found: list[Stage] = []
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            found.append(Stage())
        found[-1].steps.append((word, rest))
    return found


def elsewhere(text: str, folder: Path) -> str:
    """Put a step's places into a folder."""
    for place in PLACES:
        text = re.sub(rf"(?<!\S){place}(?=/|\s|$)", f"{folder}{place}", text)
    return text


def build(stage: Stage, folder: Path) -> None:
    """Do the steps that fill places of ours, as an engine would."""
    here = folder / "src"
    here.mkdir(parents=True)
    path = f"{sys.base_prefix}/bin:/usr/bin:/bin"
    for word, rest in stage.steps:
        match word:
            case "COPY":
                *sources, _ = rest.split()
                for source in sources:
                    copy(ROOT / source, here / source)
            case "RUN":
                done = subprocess.run(
                    ["bash", "-c", elsewhere(rest, folder)],
                    cwd=here,
                    env={"PATH": path, "HOME": str(folder)} | pip_settings(),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                assert done.returncode == 0, f"{rest}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
            case _:
                assert word in {"FROM", "WORKDIR"}, word


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def pip_settings() -> dict[str, str]:
    """Let pip fetch from where this machine does."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    found = re.findall(r"^(?:global|:env:|install)\.([\w-]+)='(.*)'$", told.stdout, re.MULTILINE)
    return {f"PIP_{name.upper().replace('-', '_')}": value for name, value in found}


@pytest.mark.timeout(1800)  # hundreds of megabytes are fetched
def test_the_steps_of_the_containerfile_make_what_its_command_starts(tmp_path):
    first, last = stages()
    build(first, tmp_path)
    programs = tmp_path / "opt/dialer/bin"
    env = {"PATH": f"{programs}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8"}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    assert (programs / json.loads(last.last("CMD"))[0]).is_file()
    assert "alive" in run("dialer", "--help")
    assert (programs / "dramatiq").is_file()
    run("python", "-c", "import workers.web.app, workers.cli.alive")
    # what is no Python came along, from the wheel and not from our sources
    run(
        "python",
        "-c",
        "from importlib.resources import files as f; import dialer, workers\n"
        "assert f('dialer').joinpath('lua/gate.lua').is_file()\n"
        "assert f('workers').joinpath('web/templates/base.html').is_file()\n"
        f"assert dialer.__file__.startswith({str(tmp_path)!r})",
    )
    assert "hatchling" not in run("python", "-m", "pip", "list")
