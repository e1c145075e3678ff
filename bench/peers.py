"""What people would use instead, each in a throw-away environment of its own, never in the product's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "dialer-bench")

PYTHON_PACKAGES = {
    "limiters": (
        "redis",
        "httpx",
        "limits>=5.8",
        "pyrate-limiter>=4.5",
        "throttled-py[redis]>=3.5",
    ),
    "celery": ("celery[redis]>=5.7", "packaging", "httpx"),  # kombu forgets to ask for packaging
    "arq": ("arq>=0.28", "redis<6", "httpx"),
    "taskiq": ("taskiq<0.12", "taskiq-redis<1.1", "redis<6", "httpx"),
}
MEASURED = {
    "limiters": ("limits", "pyrate-limiter", "throttled-py"),
    "celery": ("celery",),
    "arq": ("arq",),
    "taskiq": ("taskiq",),
}
BULLMQ = "bullmq"
NODE_PACKAGES = ("bullmq", "ioredis")


def python_of(name: str) -> Path:
    """Give the interpreter of a peer's environment; make that if it is not there."""
    folder = CACHE / name
    done = folder / ".done"
    python = folder / "bin" / "python"
    if not done.exists():
        print(f"   installing {name} into {folder} …", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, *PYTHON_PACKAGES[name]], check=True)
        done.touch()
    return python


def node_modules() -> Path:
    """Give the folder in which Node finds BullMQ; make it if it is not there."""
    folder = CACHE / BULLMQ
    if not (folder / "node_modules" / "bullmq").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--prefix", str(folder), *NODE_PACKAGES]
        subprocess.run(command, check=True)
    return folder / "node_modules"


def versions(environments: Iterable[str]) -> str:
    """Tell which versions of what is measured these environments have."""
    return ", ".join(one for name in environments for one in _versions_in(name))


def _versions_in(name: str) -> Iterator[str]:
    if name == BULLMQ:
        package = node_modules() / "bullmq" / "package.json"
        yield f"BullMQ {json.loads(package.read_text(encoding='utf-8'))['version']}"
        return
    code = "import sys; from importlib.metadata import version; print(version(sys.argv[1]))"
    for package in MEASURED[name]:
        command = [str(python_of(name)), "-c", code, package]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        yield f"{package} {said.strip()}"


def main() -> None:
    """Make all environments."""
    for name in PYTHON_PACKAGES:
        python_of(name)
    node_modules()


if __name__ == "__main__":
    main()
