"""What a shell offers behind Tab: commands, options, and the names of campaigns.

The shell asks `dialer` itself, by a variable of its environment; nothing is started for it, and whatever is
wrong, it is offered nothing.
"""

import os
import socket
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer
from typer._completion_shared import get_completion_script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dialer.store.campaign import Roll
    from workers.wiring import Wiring

ASKED_BY = "_DIALER_COMPLETE"
"""The variable by which a shell asks."""

_HARMLESS = frozenset(" ._-+,")
"""Beside letters and digits: what no shell reads as anything else, in whatever quotes it puts it."""


class Shell(StrEnum):
    """Shells whose Tab we know."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    shell: Annotated[Shell, typer.Argument(help="Whose Tab it is.", show_default=False)],
) -> None:
    """Print what lets a shell complete commands, options and campaigns' names.

    **Examples**, each for the file that the shell reads at its start

      source <(dialer completion bash)       # ~/.bashrc

      source <(dialer completion zsh)        # ~/.zshrc, after compinit

      dialer completion fish | source        # ~/.config/fish/config.fish
    """
    typer.echo(get_completion_script(prog_name="dialer", complete_var=ASKED_BY, shell=shell))


def campaigns(_context: object, _parameter: object, incomplete: str) -> list[str]:
    """Offer the campaigns whose name or id begins so."""
    with suppress(Exception):
        return [
            *_offered((one for wiring in _open() for one in wiring.campaigns.rolls()), incomplete)
        ]
    return []


def _offered(rolls: "Iterable[Roll]", incomplete: str) -> "Iterable[str]":
    for one in rolls:
        if one.name.casefold().startswith(incomplete.casefold()):
            yield _as_typed(one.name) if _is_harmless(one.name) else one.id
        elif incomplete and one.id.startswith(incomplete):
            yield one.id


def _is_harmless(name: str) -> bool:
    """Tell whether no shell would run a part of a name: people type names, shells evaluate them."""
    return all(
        one.isalnum() or one in _HARMLESS or (not one.isascii() and one.isprintable())
        for one in name
    )


def _as_typed(name: str) -> str:
    """Write a name as bash wants it, with its spaces escaped unless a quote was begun; others quote it."""
    if os.environ.get(ASKED_BY) != "complete_bash":
        return name
    words, at = os.environ.get("COMP_WORDS", "").split("\n"), int(os.environ.get("COMP_CWORD", "0"))
    is_quoted = at < len(words) and words[at][:1] in {"'", '"'}
    return name if is_quoted else name.replace(" ", "\\ ")


def _open() -> "tuple[Wiring, ...]":
    """Connect to what is there; an embedded server that does not run is not started."""
    from dialer.embedded.supervisor import ServerFolder  # noqa: PLC0415 - a Tab seldom asks for names
    from dialer.settings import read_settings  # noqa: PLC0415
    from workers.wiring import wire  # noqa: PLC0415

    settings = read_settings()
    if settings.redis_url:
        return wire(settings)
    address = str(ServerFolder(settings.dialer_data_dir.resolve() / "redis").socket)
    with socket.socket(socket.AF_UNIX) as tried:
        tried.connect(address)
    return wire(settings.model_copy(update={"redis_url": f"unix://{quote(address)}"}))
