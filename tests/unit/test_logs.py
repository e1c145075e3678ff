"""No full phone number and no secret gets through, whatever the code logs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialer.logs import as_json, mask
from dialer.masking import mask_text

NUMBER = "+919876543210"


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        "919876543210",
        "09876543210",
        "9876543210",
        f"call to {NUMBER}.",
        f"({NUMBER})",
        f"To={NUMBER}&From=x",
        "To=%2B919876543210&From=x",
        "+91 98765 43210",
        "+91-98765-43210",
        "98765 43210",
        "+91 9876543210",
        f"'{NUMBER}', '{NUMBER}'",
        f"tel:{NUMBER};x",
        f"{NUMBER}\n",
        f"Traceback: ValueError: {NUMBER}: not found",
        "id_9876543210",
        "id_919876543210_x",
        "customer_+919876543210",
        "98.76.54.32.10",
        "98765.43210",
        "+91.98765.43210",
        "98 76 54 32 10",
        "+91 98 76 54 32 10",
        "+91\u00a098765\u00a043210",
        "98765\u202f43210",
        "98765\u201143210",
        "to 9876543210.",
    ],
)
def test_a_phone_number_is_masked_however_it_is_written(text):
    masked = mask_text(text)

    digits = "".join(mark for mark in masked if mark.isdigit())
    assert "9876543210" not in digits
    assert "******3210" in masked


@pytest.mark.parametrize(
    "text",
    [
        "7f3kq2xa-42-2-k3x9p0k3x9",
        "2026-11-23 09:36:32",
        "2026-11-23T09:36:32.123456Z",
        "1800000000.123456",
        "b6cfaf5f5cef3ca0fc937749ef96d245",
        "200 requests in 60 s",
        "127.0.0.1:8000",
        "talk_s=30 total_s=45",
        "12345678-1234",
        "192.168.100.200:8000",
        "12345.678901234 s",
        "a basic functionality, a bearer of news",
    ],
)
def test_what_is_no_number_stays_readable(text):
    assert mask_text(text) == text


@given(country=st.sampled_from(["+91", "91", "0", ""]), number=st.integers(6 * 10**9, 10**10 - 1))
def test_of_a_number_at_most_six_digits_are_seen(country, number):
    masked = mask_text(f"calling {country}{number} now")

    assert sum(mark.isdigit() for mark in masked) <= 6


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("https://key:t0ken@api.exotel.com/v1", "t0ken"),
        ("Authorization: Bearer dk_9f3_s3cr3tWord", "s3cr3tWord"),
        ("{'authorization': 'Basic a2V5OnRva2Vu='}", "a2V5OnRva2Vu"),
        ("bearer abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz"),
        ("redis://:passw0rd@localhost:6379/0", "passw0rd"),
        ("POST /callbacks/exotel/ab12cd34/7f3kq2xa-42-2-k3x9p0k3x9/AbC-_dEf 200", "AbC-_dEf"),
    ],
)
def test_a_secret_in_an_address_is_masked(text, secret):
    assert secret not in mask_text(text)


def test_masking_reaches_into_whatever_is_logged():
    event = mask(
        None,
        "info",
        {"event": "x", "pair": (NUMBER, {"agent": [NUMBER]}), "error": ValueError(NUMBER)},
    )

    assert "9876543210" not in repr(event)


@pytest.mark.parametrize(
    "logged",
    [
        919876543210,
        919876543210.0,
        {NUMBER: 1},
        {919876543210: {9876543210: "x"}},
        {(NUMBER, 919876543210): "pair"},
        [({919876543210},), {"deep": (9876543210,)}],
    ],
)
def test_a_number_that_is_no_text_or_names_a_field_is_masked_too(logged):
    line = as_json(mask(None, "info", {"event": "x", "of": logged}))

    assert "9876543210" not in line
    assert "******3210" in line


class _Untold:
    def __str__(self) -> str:
        raise RuntimeError("not now")


def test_a_line_is_written_whatever_cannot_be_told():
    endless: dict[str, object] = {}
    endless["again"] = endless

    line = as_json(mask(None, "info", {"event": "x", "what": _Untold(), "endless": endless}))

    assert json.loads(line) == {"event": "x", "what": "<_Untold>", "endless": "<dict>"}


def test_numbers_that_are_figures_stay_figures():
    assert mask(None, "info", {"talk_s": 30, "ok": True, "none": None, "at": 1.5e9}) == {
        "talk_s": 30,
        "ok": True,
        "none": None,
        "at": 1.5e9,
    }


_LOGGED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(event=st.dictionaries(st.text(), _LOGGED))
@example(event={"event": "\x9b2J", "name": "\u2028", "half": "\ud800", "large": 10**30})
def test_a_line_says_what_was_logged_in_characters_that_no_terminal_obeys(event):
    line = as_json(event)

    assert json.loads(line) == event
    assert line.isascii()
    assert "\n" not in line


def test_a_line_is_written_whatever_is_logged():
    assert json.loads(as_json({"of": {1: object}, "at": float("inf")}))


def test_what_a_process_sets_up_counts_whatever_its_start_wanted():
    script = (
        "from dialer import logs, logger; logger.set_up_when_needed(level='warning');"
        "logs.set_up(log_format='json', level='info');"
        "logger.get_logger('here').info('heard')"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "heard" in done.stderr


def test_the_first_line_of_a_command_is_written_as_its_start_wanted_it():
    script = (
        "from dialer import logger; logger.set_up_when_needed(log_format='json', level='warning');"
        "logger.get_logger('here').info('not heard'); logger.get_logger('here').warning('heard');"
        "import logging; logging.getLogger('other').warning('+919876543210 heard')"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert "not heard" not in done.stderr
    assert done.stderr.count("heard") == 2
    assert "+919876543210" not in done.stderr


def test_a_log_that_takes_no_line_stops_nobody():
    """A full disk, a terminal that was closed, a reader that went: in the middle of a dial perhaps."""
    program = """
import logging
from dialer.logger import get_logger
from dialer.logs import set_up
set_up(log_format="json")
for _ in range(1000):
    get_logger("ours").warning("attempt_placed", attempt_id="sale-1-1-x")
    logging.getLogger("theirs").warning("Worker has been shut down.")
print("done")
"""
    with Path("/dev/full").open("w", encoding="ascii") as full:
        done = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
            check=False,
        )

    assert done.stdout == "done\n"
    assert done.returncode == 0
