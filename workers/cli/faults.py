"""What can go wrong in a command: one line on stderr with the remedy, and the exit code."""

# ruff: noqa: PLC0415 - what can raise an error is imported where one was raised: most need little

import os
import sys
from typing import TYPE_CHECKING

import typer
from typer.core import TyperGroup

from campaigns.plain_text import did_you_mean
from dialer.logger import get_logger, set_up_when_needed
from workers.cli.printing import complain

if TYPE_CHECKING:
    from campaigns.lists.source import CampaignFileError

DONE, FAILED, WRONG_USE = 0, 1, 2
_INTERRUPTED, _NOBODY_READS = 130, 141  # 128 + SIGINT, 128 + SIGPIPE, as shells have it

log = get_logger(__name__)


class WrongUse(Exception):
    """The command was asked for something that makes no sense; says what to write instead."""


class JobFailed(Exception):
    """The command could not do its job; says why and what to do."""


def exit_code(tree: TyperGroup) -> int:
    """Run a command; whatever goes wrong becomes a line on stderr."""
    set_up_when_needed(
        level="warning"
    )  # before anything can fail; the settings may say otherwise later
    try:
        _require_text(sys.argv[1:])
        return tree.main(standalone_mode=False) or DONE
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # nothing more can be written, and the interpreter must not try when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except Exception as error:
        log.debug("command_failed", exc_info=True)
        code, lines = judge(error)
        complain(*lines)
        if "--json" in sys.argv[1:]:
            _say_as_json(code, lines)
        return code


def _require_text(words: list[str]) -> None:
    """Refuse bytes that are no text before anything is done: Redis could not be told them.

    Raises:
        WrongUse: A word is not in UTF-8.
    """
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = word.encode(errors="backslashreplace").decode()
            raise WrongUse(f"{shown} is not in UTF-8: write it so, or rename the file.") from None


def _say_as_json(code: int, lines: list[str]) -> None:
    """Tell programs on stdout what went wrong, unless the command's own document tells it."""
    from workers.cli.printing import has_answered, say_json

    if not has_answered():
        say_json({"error": " ".join(lines), "exit_code": code})


def is_refusal(error: BaseException) -> bool:
    """Tell whether a command was refused, and nothing done, rather than failed in the middle."""
    from campaigns.lists.source import CampaignFileError
    from dialer.errors import NotDone
    from dialer.loading.refusing import LoadRefused
    from dialer.store.campaign import CampaignNotFound, WrongState

    if isinstance(error, typer.Abort | typer.TyperException):
        return True
    refusals = (NotDone, LoadRefused, CampaignFileError, CampaignNotFound, WrongState)
    return isinstance(error, refusals) or (
        isinstance(error, Exception) and judge(error)[0] == WRONG_USE
    )


def judge(error: Exception) -> tuple[int, list[str]]:
    """Give the exit code and what to say."""
    if isinstance(error, typer.TyperException):
        return error.exit_code, _usage_lines(error)

    from redis import RedisError

    from campaigns.lists.source import CampaignFileError
    from campaigns.plain_text import NotPlain
    from campaigns.reports.does_not_add_up import DoesNotAddUp
    from dialer.embedded.embedded import EmbeddedServerError
    from dialer.errors import NotDone, ProviderError
    from dialer.loading.refusing import AlreadyLoaded, LoadRefused
    from dialer.settings import SettingsError
    from dialer.steering.changing_rules import RulesRefused
    from dialer.store.campaign import CampaignNotFound, WrongState
    from dialer.store.refusals import refusal_of
    from dialer.store.trail import TrailBusy
    from workers.up import AlreadyRunning, CannotRun

    match error:
        case (
            WrongUse()
            | NotPlain()
            | AlreadyRunning()
            | CannotRun()
            | SettingsError()
            | RulesRefused()
        ):
            return WRONG_USE, str(error).splitlines()
        case CampaignFileError():
            line = "" if error.line is None else f"line {error.line}: "
            return FAILED, [f"{line}{error}{_options(error)}"]
        case AlreadyLoaded():
            return FAILED, [f"{error} (--again)"]
        case (
            JobFailed()
            | NotDone()
            | LoadRefused()
            | WrongState()
            | ProviderError()
            | EmbeddedServerError()
            | DoesNotAddUp()
            | TrailBusy()
        ):
            return FAILED, [str(error)]
        case CampaignNotFound():
            near = did_you_mean(error.asked, error.names)
            return FAILED, [f"{error}{near or '.'} See: dialer campaign list"]
        case RedisError():
            says = refusal_of(error) or f"Redis: {error or type(error).__name__}"
            return FAILED, [f"{says}; see: dialer doctor"]
        case OSError():
            where = f"{error.filename or _full_folder(error)}: "
            where = "" if where == ": " else where
            return FAILED, [f"{where}{error.strerror or error}"]
        case _:  # a mistake of ours
            hint = "DIALER_LOG_LEVEL=debug shows where it came from"
            return FAILED, [f"unexpected {type(error).__name__}: {error}; {hint}"]


def _full_folder(error: OSError) -> str:
    """Name the folder on whose disk there is no room: a write does not tell it."""
    import tempfile
    from errno import EDQUOT, ENOSPC
    from pathlib import Path
    from shutil import disk_usage

    if error.errno not in {ENOSPC, EDQUOT}:
        return ""
    asked = [one for word in sys.argv[1:] for one in (Path(word), Path(word).parent)]
    known = [*asked, Path(os.environ.get("DIALER_DATA_DIR", "var")), Path(tempfile.gettempdir())]
    folders = [one.absolute() for one in known if one.is_dir()]
    return str(min(folders, key=lambda one: disk_usage(one).free))


def _options(error: "CampaignFileError") -> str:
    """Name the options that would settle it."""
    from campaigns.lists.header import ColumnsUnclear

    if isinstance(error, ColumnsUnclear) and not error.choice:
        yes = "--yes-columns, or " if error.suggestion else ""
        return f" ({yes}--agent-column and --customer-column)"
    return f" (--{error.choice.replace('_', '-')})" if error.choice else ""


def _usage_lines(error: typer.TyperException) -> list[str]:
    message = error.format_message()
    if not message:  # a group without a command: its help was shown
        return []
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "dialer"
    end = "" if message.endswith((".", "?", "!")) else "."
    return [f"{message}{end} See: {command} --help"]
