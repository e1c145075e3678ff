"""What late values changed, from one attempts file to the next."""

import pytest

from campaigns.attempt import Outcome
from campaigns.contact_state import NotDialled
from dialer.reporting.diff import Change, ChangeKind, NotComparable, diff_reports
from dialer.reporting.reporting import write_reports
from dialer.reporting.tables import Kind
from tests.report_samples import AS_OF, CAMPAIGN, NONCE, attempt, line, source


def attempts_file(folder, *lines):
    made = write_reports(source(lines), folder, as_of=AS_OF, kinds=[Kind.ATTEMPTS])
    return made.files[0]


def test_a_late_value_is_named_with_what_stood_there(tmp_path):
    before = attempts_file(tmp_path / "a", line(1, attempt(price=None)), line(2, attempt()))
    after = attempts_file(tmp_path / "b", line(1, attempt(price="0.65")), line(2, attempt()))

    changes = list(diff_reports(before, after))

    assert changes == [
        Change(f"{CAMPAIGN}-1-1-{NONCE}", ChangeKind.RESTATED, "price", before="", after="0.65")
    ]


def test_attempts_made_since_are_new_and_attempts_missing_now_are_gone(tmp_path):
    busy = attempt(Outcome.CUSTOMER_BUSY)
    before = attempts_file(tmp_path / "a", line(1, busy), line(2, attempt()))
    after = attempts_file(
        tmp_path / "b", line(1, busy, attempt()), line(2, end=NotDialled.CANCELLED)
    )

    changes = list(diff_reports(before, after))

    assert changes == [
        Change(f"{CAMPAIGN}-1-2-{NONCE}", ChangeKind.NEW),
        Change(f"{CAMPAIGN}-2-1-{NONCE}", ChangeKind.GONE),
    ]


def test_tenth_and_second_contact_are_compared_in_the_order_of_the_list(tmp_path):
    lines = [line(n, attempt()) for n in range(1, 12)]
    before = attempts_file(tmp_path / "a", *lines)
    after = attempts_file(tmp_path / "b", *lines)

    assert list(diff_reports(before, after)) == []


def test_a_file_of_something_else_is_refused(tmp_path):
    other = tmp_path / "other.csv"
    other.write_text("name,city\nAsha,Pune\n")

    with pytest.raises(NotComparable, match="attempt_id"):
        list(diff_reports(other, other))


def test_a_file_that_was_sorted_anew_is_refused(tmp_path):
    path = attempts_file(tmp_path, line(1, attempt()), line(2, attempt()))
    header, first, second = path.read_text().splitlines()
    path.write_text(f"{header}\n{second}\n{first}\n")

    with pytest.raises(NotComparable, match="out of order"):
        list(diff_reports(path, path))
