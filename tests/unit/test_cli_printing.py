"""What a terminal shows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import BaseModel
from rich.cells import cell_len

from campaigns.plain_text import NotPlain, plain_line
from workers.cli.printing import complain, note, plain_table, say, say_json, show, when_stopped

ROOM = Path(__file__).parents[2] / "workers" / "documents"
HOSTILE = "\x1b]0;gone\x07\x9b2J\u202edesrever\x7f"


def test_a_command_that_is_stopped_says_what_was_not_done(capsys):
    with pytest.raises(KeyboardInterrupt), when_stopped("stopped; nothing was appended"):
        raise KeyboardInterrupt

    assert capsys.readouterr().err == "dialer: stopped; nothing was appended\n"


def test_whatever_a_name_holds_no_terminal_obeys_it(capsys):
    table = plain_table("name")
    table.add_row(HOSTILE)

    say(HOSTILE)
    note(HOSTILE)
    show(table)
    complain(HOSTILE)

    shown = "".join(capsys.readouterr())
    assert shown.count("desre") == 4
    assert not set(shown) & set("\x1b\x07\x9b\u202e\x7f")


def table_of(rows: int, *, name: str = "आशा \\[vip]"):
    table = plain_table("agent", "is", "name", "waiting", numbers=("waiting",))
    for n in range(rows):
        table.add_row(f"+91{n}", "[dim]–[/dim]", name, f"{n:,}")
    return table


def shown_lines(capsys, table) -> list[str]:
    show(table)
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_a_table_of_many_rows_is_set_as_one_of_few(capsys):
    few, many = (shown_lines(capsys, table_of(rows)) for rows in (400, 4000))

    assert len(many) == 4001
    assert [line.split() for line in many[:401]] == [line.split() for line in few]
    assert "आशा [vip]" in many[1]
    assert len({cell_len(line) for line in many}) == 1


def test_a_row_of_many_is_one_line_that_no_terminal_obeys(capsys):
    lines = shown_lines(capsys, table_of(4000, name=f"{'long ' * 60}\n{HOSTILE}"))

    assert len(lines) == 4001
    assert all("desrever" in line for line in lines[1:])
    assert not set("".join(lines)) & set("\x1b\x07\x9b\u202e\x7f")


def test_a_json_document_tells_control_characters_without_sending_them(capsys):
    say_json({"name": HOSTILE, "joined": "क्\u200dष"})

    shown = capsys.readouterr().out
    assert not set(shown) & set("\x1b\x07\x9b\u202e\x7f")
    assert json.loads(shown) == {"name": HOSTILE, "joined": "क्\u200dष"}
    assert "\u200d" in shown


def test_a_line_is_plain_or_refused_in_words():
    assert plain_line("  क्\u200dष, Pune ", "the name", most=20) == "क्\u200dष, Pune"
    for text in (HOSTILE, "two\nlines", "x" * 21):
        with pytest.raises(NotPlain, match="the name: "):
            plain_line(text, "the name", most=20)


def test_a_json_document_tells_models_by_their_fields_and_instants_to_the_second(capsys):
    class Told(BaseModel):
        at: datetime

    at = datetime(2026, 11, 24, 15, 30, 9, 123456, tzinfo=UTC)

    say_json([{"since": at, "told": Told(at=at)}])

    assert json.loads(capsys.readouterr().out) == [
        {"since": "2026-11-24T15:30:09+00:00", "told": {"at": "2026-11-24T15:30:09+00:00"}}
    ]


@pytest.mark.parametrize("room", sorted(ROOM.glob("[a-z]*.py")), ids=lambda one: one.stem)
def test_a_document_of_its_room_is_told_by_the_api_and_by_a_command(room):
    imported = f"from workers.documents.{room.stem} import"
    doors = ("cli", "web")

    told_by = {
        door
        for door in doors
        if any(imported in one.read_text() for one in (ROOM.parent / door).rglob("*.py"))
    }

    assert told_by == set(doors)
