"""What a campaign talked and paid is summed up as it becomes known, and is what its attempts say, archived too."""

from dialer.store.events import told
from dialer.store.snapshot import contact_lines
from tests import books_kit
from tests.factories import details


def sums(account, campaign) -> tuple[int, float]:
    (found,) = told(account.db, [campaign.id])
    assert found.is_whole
    return found.talk_s, found.spend


def test_talk_and_spend_of_a_campaign_are_those_of_its_attempts_whatever_is_corrected_later(
    account, tmp_path
):
    sale = books_kit.load(account, tmp_path)
    account.db.pass_time(1)
    for dialled in account.dial_all():
        for price in (None, 0.125, 0.5):  # later details have the last word
            report = details(dialled.attempt.sid, price=price)
            account.settling.report(dialled.attempt_id, report, at=account.db.now())
    lines = list(contact_lines(account.db, sale.id, size=sale.accepted))
    made = [one.attempt for line in lines for one in line.attempts]

    spoken, paid = sums(account, sale)

    assert spoken == sum(one.talk_s or 0 for one in made) > 0
    assert paid == sum(float(one.price) for one in made) > 0
    books_kit.archive(account, account.campaigns.find(sale.id), tmp_path)
    assert sums(account, sale) == (spoken, paid)
