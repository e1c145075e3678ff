"""Scripts that Redis keeps as functions: made once, where those it is sent are made anew each time they are run.

A function's name tells its text, so that versions run side by side. Where Redis has none of the name, as after a
restart without its data, or at a new version, whoever runs it first loads it. Redis' user may
not be allowed to: then it is run as any other script.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis
from redis.exceptions import NoPermissionError

_LIBRARIES = "dialer_"
_NOT_THERE = "Function not found"


@dataclass(frozen=True, slots=True)
class Written:
    """A script's text, which ends with a function `run`, and takes `KEYS` and `ARGV` from beside it."""

    text: str

    @property
    def as_script(self) -> str:
        """As it is sent to be run."""
        return f"local KEYS, ARGV = KEYS, ARGV\n{self.text}\nreturn run()"

    def as_function(self, name: str) -> str:
        """As a library with one function, which has its name."""
        runs = "function(keys, args) KEYS, ARGV = keys, args return run() end"
        return "\n".join(
            (
                *(f"#!lua name={name}", "local KEYS, ARGV", self.text),
                f"redis.register_function('{name}', {runs})",
            )
        )


class KeptScript:
    """A script that Redis keeps; called as redis-py's scripts are."""

    def __init__(self, client: "redis.Redis", script: str, written: Written) -> None:
        digest = hashlib.sha256(written.text.encode()).hexdigest()
        self.name = f"{_LIBRARIES}{script}_{digest[:16]}"
        self._client = client
        self._code = written.as_function(self.name)
        self._as_script = client.register_script(written.as_script)
        self._may_be_kept = True

    def __call__(
        self, keys: Sequence[str], args: Sequence[Any], client: "redis.Redis | None" = None
    ) -> Any:
        """Run it."""
        if self._may_be_kept:
            try:
                return self._run(keys, args, client or self._client)
            except NoPermissionError:
                self._may_be_kept = False
        return self._as_script(keys=keys, args=args, client=client)

    def _run(self, keys: Sequence[str], args: Sequence[Any], client: "redis.Redis") -> Any:
        call: Any = client.fcall  # which redis-py types as if it took text alone
        try:
            return call(self.name, len(keys), *keys, *args)
        except redis.ResponseError as error:
            if _NOT_THERE not in str(error):
                raise
        client.function_load(self._code, replace=True)
        return call(self.name, len(keys), *keys, *args)


def forget_functions(client: "redis.Redis") -> int:
    """Have Redis forget what earlier versions kept; who is of one yet loads it again. Gives how many went."""
    listed = client.function_list(library=f"{_LIBRARIES}*")
    for one in listed:
        client.function_delete(one[1].decode())
    return len(listed)
