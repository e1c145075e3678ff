"""Dispositions are read as people write them, and wrong ones say what to write."""

import pytest
from pydantic import ValidationError

from campaigns.dispositions import (
    DO_NOT_CALL,
    Disposition,
    FollowUp,
    choices,
    chosen,
    split_dispositions,
)
from campaigns.rules_in_words import rules_in_words
from tests.factories import rules


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sale", Disposition("sale")),
        ("sale:nothing", Disposition("sale")),
        (" wrong_number:final ", Disposition("wrong_number", FollowUp.FINAL)),
        ("gone:suppress", Disposition("gone", FollowUp.SUPPRESS)),
        ("call_back:retry=1d", Disposition("call_back", FollowUp.RETRY, 86_400)),
        ("do_not_call", DO_NOT_CALL),
    ],
)
def test_a_disposition_says_what_follows(text, expected):
    assert Disposition.parse(text) == expected
    assert Disposition.parse(str(expected)) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "begin with its name"),
        ("Sale", "small letters"),
        ("sale:maybe", "final, suppress, retry=DELAY"),
        ("sale:retry", "final, suppress, retry=DELAY"),
        ("sale:retry=soon", "no duration"),
        ("sale:final=1", "final, suppress, retry=DELAY"),
        ("do_not_call:final", "always means"),
        ("open", "stands for none"),
        ("x" * 41, "begin with its name"),
    ],
)
def test_what_is_none_is_told_with_what_to_write(text, told):
    with pytest.raises(ValueError, match=told) as refused:
        Disposition.parse(text)
    assert "\n" not in str(refused.value)


def test_they_come_with_commas_between_or_one_by_one():
    assert split_dispositions("sale,wrong:final") == ["sale", "wrong:final"]
    assert split_dispositions(["sale,wrong:final", "gone"]) == ["sale", "wrong:final", "gone"]
    assert rules(disposition="sale,wrong:final") == rules(disposition=["sale", "wrong:final"])


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"disposition": "sale,sale:final"}, "name each once"),
        ({"disposition": [5]}, "disposition"),
        ({"disposition": 5}, "disposition"),
        ({"disposition": ",".join(f"d{n}" for n in range(31))}, "at most 30"),
        ({"disposition": "sale", "disposition_within_s": 0}, "disposition_within_s"),
        ({"wrap_up_until": "disposition"}, "needs dispositions"),
    ],
)
def test_rules_that_do_not_fit_are_refused(given, told):
    with pytest.raises(ValidationError, match=told):
        rules(**given)


def test_do_not_call_is_among_the_words_unless_another_one_suppresses():
    sale, gone = Disposition("sale"), Disposition("gone", FollowUp.SUPPRESS)

    assert choices(()) == ()
    assert choices((sale,)) == (sale, DO_NOT_CALL)
    assert choices((sale, gone)) == (sale, gone)
    assert chosen((sale,), "do_not_call") == DO_NOT_CALL


def test_rules_tell_the_words_and_what_follows_in_words():
    told = rules_in_words(
        rules(disposition="sale,wrong:final,again:retry=1d", wrap_up_until="disposition")
    )

    assert told["dispositions"] == (
        "sale, wrong (closed), again (again after 1 d), do not call (never called again); "
        "within 15 min, else the outcome's rule"
    )
    assert "until its disposition, 5 min at most" in told["agents"]
