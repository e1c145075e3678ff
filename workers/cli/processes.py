"""One command per process: `dialer web`, `feeder`, `results`, `simulator`, and `up` for all."""

import sys
from collections.abc import Callable

import redis
import typer

from dialer import logs
from dialer.access.api_keys import Scope
from dialer.deeds import Deed, Did
from dialer.settings import Settings, read_settings, require_data_dir
from dialer.store.refusals import refusal_of
from workers import feeder as feeder_process
from workers import results as results_process
from workers.cli.printing import complain, say
from workers.cli.recorded import at_terminal
from workers.cli.session import read_users_settings, store_of
from workers.redis_fitness import require_fit_redis
from workers.roles import all_processes
from workers.up import run_processes
from workers.web.loopback import require_key_beyond_loopback
from workers.wiring import Wiring, wire, wire_served


def up() -> None:
    """Run every process on this machine, from the settings; Ctrl-C stops them in good order.

    For development. In production run the Procfile's lines under a supervisor. The first time, on a
    terminal, it makes an admin key for the pages and the API, and shows it.
    """
    settings = read_users_settings()
    wire_served(settings)
    require_data_dir(settings)
    home = Wiring(settings)
    _ask_redis(home)
    if sys.stdout.isatty():  # elsewhere it would be kept, in a log
        _show_first_key(home)
    require_key_beyond_loopback(home)  # or the web process would say so, once all have started
    if sys.stdout.isatty():
        say(f"The pages: {settings.callback_base_url}/ (Ctrl-C ends everything)\n")
    raise typer.Exit(run_processes(all_processes(_logs_for(settings)), settings.dialer_data_dir))


def web() -> None:
    """Run the web process: callback receiver, API and pages.

    Binds DIALER_HOST:PORT; without DIALER_API_KEY or another key on loopback only.
    """
    from workers.web.serving import serve  # noqa: PLC0415 - FastAPI takes a while to import

    raise typer.Exit(serve(_process("web", wire)))


def feeder() -> None:
    """Run the feeder: it releases due contacts a little ahead of the pace, and sweeps.

    Any number may run; Redis decides who releases what.
    """
    raise typer.Exit(feeder_process.run(_process("feeder")))


def results() -> None:
    """Run the results consumer: stored callbacks become settled attempts. Any number may run."""
    raise typer.Exit(results_process.run(_process("results")))


def _logs_for(settings: Settings) -> dict[str, str]:
    """Have the processes log for people where they are seen at a terminal, as each would by itself."""
    is_seen = sys.stdout.isatty() and settings.dialer_log_format == "auto"
    return {"DIALER_LOG_FORMAT": "console"} if is_seen else {}


def _ask_redis(home: Wiring) -> None:
    """End where Redis refuses, as for a wrong password; say where it is not there, which may pass.

    The processes' own lines say it as well, again and again, and none of them what to do.

    Raises:
        RedisError: It refuses.
    """
    try:
        home.redis.ping()
    except redis.RedisError as error:
        if refusal_of(error):
            raise
        where = store_of(home.settings)
        complain(f"{where} does not answer ({error}): all wait for it. Check REDIS_URL.")


def _show_first_key(wiring: Wiring) -> None:
    """Make the first admin key, so that the server is never open longer than it needs to be."""
    try:
        if wiring.api_keys.were_made():
            return
        with wiring.audit.recording(Deed(Did.KEY_MADE, at_terminal())):
            _, secret = wiring.api_keys.create("administrator", {Scope.ADMIN})
    except redis.RedisError:
        return  # the processes wait for it, and the next start makes the key
    say("Your admin key, shown this once; keep it like a password:")
    print(secret)  # noqa: T201 - on a line of its own, never wrapped
    say(f"Sign in with it at {wiring.settings.callback_base_url}/sign-in\n")


def _process(
    role: str, wired: Callable[[Settings], tuple[Wiring, ...]] = wire_served
) -> tuple[Wiring, ...]:
    settings = read_settings()
    if not settings.redis_url:
        require_data_dir(settings)
    logs.set_up(log_format=settings.dialer_log_format, level=settings.dialer_log_level, role=role)
    wirings = wired(settings)
    for client in {one.redis for one in wirings}:
        require_fit_redis(client)
    return wirings
