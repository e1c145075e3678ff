"""What a terminal shows."""

import json

import pytest

from campaigns.plain_text import NotPlain, plain_line
from workers.cli.printing import complain, note, plain_table, say, say_json, show, when_stopped

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
