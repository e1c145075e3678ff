"""A wall clock that is wrong, and can be stepped, for processes of our own.

By Python alone: a `sitecustomize` shifts `time.time` and `datetime.now`, which is what our code,
structlog and Dramatiq read. Not by libfaketime: 0.9.10 turns the `time.sleep` of Python 3.11, which
sleeps until an instant of the monotonic clock, into an error. Durations are right.
"""

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
    __slots__ = ()  # compiled modules compare its size with the real one's

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
        (self.folder / "sitecustomize.py").write_text(_PATCH, encoding="utf-8")
        return {"PYTHONPATH": str(self.folder), "WRONG_CLOCK_FILE": str(self._file)}

    @property
    def _file(self) -> Path:
        return self.folder / "shift"
