"""A wall clock that is wrong, and can be stepped, for processes of our own.

By libfaketime where it is installed (Debian's `faketime`, PyPI's `libfaketime`): every wall clock
read of the process and its libraries is wrong. Elsewhere by Python alone: `time.time` and
`datetime.now` are, which is what our code and Dramatiq read. Durations are right in both.
"""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

_PATCH = """
import datetime, os, time

_file = os.environ["WRONG_CLOCK_FILE"]
_time, _time_ns, _datetime = time.time, time.time_ns, datetime.datetime

def shift_s():
    with open(_file, encoding="ascii") as file:
        return int(file.read())

class WrongDatetime(_datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)

time.time = lambda: _time() + shift_s()
time.time_ns = lambda: _time_ns() + shift_s() * 10**9
datetime.datetime = WrongDatetime
"""


@dataclass(frozen=True, slots=True)
class WrongClock:
    """One wrong clock; hand `env` to the processes that shall have it."""

    folder: Path

    def step_to(self, shift_s: int) -> None:
        """Be wrong by so many seconds from now on; positive is ahead."""
        self.folder.mkdir(exist_ok=True)
        written = self.folder / "written"
        written.write_text(f"{shift_s:+d}", encoding="ascii")
        written.replace(self._file)

    @property
    def env(self) -> dict[str, str]:
        library = _library()
        if library is None:
            (self.folder / "sitecustomize.py").write_text(_PATCH, encoding="utf-8")
            return {"PYTHONPATH": str(self.folder), "WRONG_CLOCK_FILE": str(self._file)}
        return {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # the same, as older versions call it
            "NO_FAKE_STAT": "1",
        }

    @property
    def _file(self) -> Path:
        return self.folder / "shift"


def _library() -> Path | None:
    places = list(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if package := importlib.util.find_spec("libfaketime"):
        inside = package.submodule_search_locations or []
        places += [found for one in inside for found in Path(one).rglob("libfaketime*.so.1")]
    return places[0] if places else None
