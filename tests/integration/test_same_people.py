"""The same people are not called twice because a file has another name, or because they are elsewhere."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from campaigns.campaign import CampaignState
from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.header import ColumnsUnclear
from campaigns.lists.sieve import Dedupe
from campaigns.numbers.phone import PhoneRules
from dialer.loading.loading import Loading, LoadOptions
from dialer.loading.refusing import AlreadyLoaded, NameTaken
from dialer.pacing import Allowance
from dialer.reporting.reporting import write_reports
from dialer.reporting.source import report_source
from dialer.store import Campaigns
from dialer.store.imports import Imports
from dialer.store.record_table import customers_of
from dialer.store.snapshot import contact_lines
from dialer.watching.browsing import names_of
from tests.conservation import check_conservation
from tests.factories import rules, start


def rows(first, count, *, heading="agent,customer,name"):
    lines = (f"90000000{n % 3:02},98765{n:05},Asha {n}" for n in range(first, first + count))
    return "\n".join([heading, *lines]).encode()


@pytest.fixture
def loading(db, tmp_path):
    return Loading(db, phone_rules=PhoneRules(), data_dir=tmp_path)


def load(loading, content, name, **options):
    return loading.load(
        io.BytesIO(content), name=name, rules=rules(), options=LoadOptions(**options)
    )


def append(loading, db, content, name="sale", **options):
    campaign = Campaigns(db).find(name)
    return loading.append(io.BytesIO(content), campaign=campaign, options=LoadOptions(**options))


def test_the_same_bytes_under_another_name_are_refused_until_somebody_says_again(loading, db):
    load(loading, rows(0, 5), "contacts")

    with pytest.raises(AlreadyLoaded, match="already campaign 'contacts'"):
        load(loading, rows(0, 5), "contacts (1)")
    with pytest.raises(AlreadyLoaded):
        load(loading, rows(10, 5), "other") and append(loading, db, rows(0, 5), "other")
    checked = loading.check(io.BytesIO(rows(0, 5)), rules=rules(), options=LoadOptions())
    once_more = load(loading, rows(0, 5), "contacts (1)", again=True, dedupe=Dedupe.FILE)

    assert [one.name for one in checked.same_content] == ["contacts"]
    assert once_more.summary.accepted == 5
    assert load(loading, rows(0, 5), "contacts").already


def test_of_two_who_load_the_same_bytes_at_once_one_is_told(loading):
    def try_to_load(name):
        try:
            return load(loading, rows(0, 5), name).summary.accepted
        except AlreadyLoaded:
            return None

    with ThreadPoolExecutor(4) as pool:
        loaded = list(pool.map(try_to_load, ("a", "b", "c", "d")))

    assert sorted(loaded, key=str) == [5, None, None, None]


def test_a_campaign_cancelled_before_anybody_was_called_stands_in_no_ones_way(loading, db):
    load(loading, rows(0, 5), "wrong rules")
    campaigns = Campaigns(db)
    campaigns.move(campaigns.find("wrong rules"), CampaignState.CANCELLING)

    assert load(loading, rows(0, 5), "right rules", dedupe=Dedupe.FILE).summary.accepted == 5


def test_names_that_differ_in_case_or_spaces_are_one(loading, db):
    load(loading, rows(0, 5), "Diwali  Sale")

    with pytest.raises(NameTaken):
        load(loading, rows(10, 5), " diwali sale ")

    assert Campaigns(db).find("DIWALI SALE").name == "Diwali  Sale"


def test_a_name_that_an_earlier_version_reserved_is_found_in_any_case(loading, db):
    campaign = load(loading, rows(0, 5), "Diwali").campaign
    db.client.delete(db.key("names"))
    db.client.hset(db.key("names"), "Diwali", campaign.id)

    assert Campaigns(db).find("diwali").id == campaign.id
    with pytest.raises(NameTaken):
        load(loading, rows(10, 5), "DIWALI")


def test_customers_of_other_active_campaigns_are_counted_and_taken_only_when_said(loading, db):
    load(loading, rows(0, 5), "first")
    start(db, Campaigns(db).find("first").id)

    told = load(loading, rows(3, 5), "second")
    taken = load(loading, rows(3, 6), "third", dedupe=Dedupe.FILE)

    assert (told.summary.accepted, told.summary.duplicate) == (3, 2)
    assert told.summary.faults["duplicate_active"].count == 2
    assert taken.summary.accepted == 6


DESK = "RM Number,Mobile No,Customer Name"


def test_suggested_columns_are_confirmed_once_and_remembered_for_files_with_the_same(loading, db):
    first, second = rows(0, 9, heading=DESK), rows(20, 9, heading=DESK)
    with pytest.raises(ColumnsUnclear) as unclear:
        load(loading, first, "sale")

    yes = ColumnChoice(takes_suggestion=True)
    loaded = load(loading, first, "sale", choice=yes)
    again = load(loading, second, "tomorrow")

    assert [column for _, column, _ in unclear.value.suggestion] == ["RM Number", "Mobile No"]
    assert loaded.summary.accepted == 9
    assert again.contact_list.header.agent.why == "as chosen before for files with these columns"
    assert again.campaign.name_in(["1", "2", " Asha "]) == "Asha"


def test_a_file_is_appended_by_the_columns_its_campaign_has(loading, db):
    choice = ColumnChoice(agent="RM Number", customer="Mobile No")
    load(loading, rows(0, 5, heading=DESK), "sale", choice=choice)
    more = b"Mobile No,Alt Mobile,RM Number\n9876511111,9876522222,9000000001\n"

    appended = append(loading, db, more)

    assert 919876511111 in customers_of(db, appended.campaign.id, size=6)
    assert appended.campaign.columns == (*DESK.split(","), "Alt Mobile")


def mended(path, *repairs):
    text = path.read_text(encoding="utf-8")
    for wrong, right in repairs:
        text = text.replace(wrong, right, 1)
    return text.encode()


def test_a_rejected_file_shrinks_as_its_mended_rows_are_appended(loading, db):
    bad = b"agent,customer,name\n9000000001,9876500001,Asha\n9000000001,12,Ravi\n9000000002,,Uma\n"
    path = load(loading, bad, "sale").rejected_file

    halfway = append(loading, db, mended(path, ("9000000001,12,", "9000000001,9876500002,")))
    left = path.read_text(encoding="utf-8")
    whole = append(loading, db, mended(path, ("9000000002,,", "9000000002,9876500003,")))

    assert (halfway.mended, halfway.summary.accepted, halfway.summary.rejected) == (2, 1, 1)
    assert "Ravi" not in left
    assert "Uma" in left
    assert (whole.mended, whole.rejected_file, path.exists()) == (1, None, False)
    campaign = Campaigns(db).find("sale")
    assert (campaign.rows, campaign.accepted, campaign.rejected) == (3, 3, 0)
    assert campaign.columns == ("agent", "customer", "name")
    assert [one["rows"] for one in Imports(db).history(campaign.id)] == [3, 2, 1]
    check_conservation(db)


def test_files_that_add_no_contact_keep_their_rejected_rows_apart(loading, db):
    load(loading, rows(0, 2), "sale")

    append(loading, db, b"agent,customer\n9000000001,12\n9000000001,13\n")
    append(loading, db, b"agent,customer\n9000000001,14\n")

    campaign = Campaigns(db).find("sale")
    assert len(list(Imports(db).rejected_rows(campaign.id))) == campaign.rejected == 3
    check_conservation(db)


def test_our_contacts_file_comes_back_with_the_contact_each_came_from(loading, db, tmp_path):
    load(loading, rows(0, 3) + b"\n9000000001,+6581234567,Lee", "sale")
    loading = Loading(
        db,
        phone_rules=PhoneRules(allowed_countries=frozenset({"IN", "SG"})),
        data_dir=tmp_path,
    )
    load(loading, b"agent,customer\n+6591234567,+6581234567\n9000000001,9876599999\n", "abroad")
    campaign = Campaigns(db).find("abroad")
    written = report_of(db, campaign, tmp_path / "out")
    [contacts] = [path for path in written if "_contacts_" in path.name]

    back = load(loading, contacts.read_bytes(), "once more", dedupe=Dedupe.FILE)

    assert back.summary.accepted == 2
    lines = list(contact_lines(db, back.campaign.id, size=2))
    assert [(one.record.agent, one.record.customer) for one in lines] == [
        ("+6591234567", "+6581234567"),
        ("+919000000001", "+919876599999"),
    ]
    assert lines[0].row.cells[0] == f"{campaign.id}-1"


def test_our_contacts_file_comes_back_whatever_its_lists_columns_were_called(loading, db, tmp_path):
    load(loading, rows(0, 3, heading="Agent,CUSTOMER,Name"), "sale")
    written = report_of(db, Campaigns(db).find("sale"), tmp_path / "out")
    [contacts] = [path for path in written if "_contacts_" in path.name]

    back = load(loading, contacts.read_bytes(), "once more", dedupe=Dedupe.FILE)

    assert back.summary.accepted == 3
    assert names_of(db, back.campaign, {1}) == {1: "Asha 0"}
    assert append(loading, db, contacts.read_bytes(), again=True).summary.duplicate == 3


def report_of(db, campaign, folder, **more):
    source = report_source(db, campaign, Allowance(), archives=folder)
    written = write_reports(source, folder, as_of=datetime.fromtimestamp(db.now(), UTC), **more)
    return written.files


def test_numbers_written_as_texts_come_back_with_all_their_digits(loading, db, tmp_path):
    load(loading, rows(0, 2), "sale")
    written = report_of(db, Campaigns(db).find("sale"), tmp_path / "out", text_numbers=True)
    [contacts] = [path for path in written if "_contacts_" in path.name]

    back = load(loading, contacts.read_bytes(), "once more", dedupe=Dedupe.FILE)

    assert '"=""919876500001"""' in contacts.read_text(encoding="utf-8")
    assert back.summary.accepted == 2
    assert names_of(db, back.campaign, {1, 2, 3}) == {1: "Asha 0", 2: "Asha 1"}


def rejected_report(loading, db, folder):
    written = report_of(db, Campaigns(db).find("sale"), folder)
    [path] = [path for path in written if "_rejected_" in path.name]
    return path


def test_a_rejected_report_comes_back_where_the_list_has_columns_of_the_reports_names(
    loading, db, tmp_path
):
    bad = b"agent,customer,line,error\n9000000001,9876500001,A,x\n9000000001,12,B,y\n"
    load(loading, bad, "sale")
    path = rejected_report(loading, db, tmp_path / "out")

    back = append(loading, db, mended(path, (",12,", ",9876500002,")))

    assert (back.mended, back.summary.accepted, back.rejected_file) == (1, 1, None)
    assert back.campaign.columns == ("agent", "customer", "line", "error")
    [_, row] = [one.row for one in contact_lines(db, back.campaign.id, size=2)]
    assert row.cells[2:] == ("B", "y")


def test_cells_without_a_column_are_not_lost_when_a_rejected_report_comes_back(
    loading, db, tmp_path
):
    load(
        loading,
        b"agent,customer\n9000000001,9876500001\n9000000001,9876500002,stray,cell\n",
        "sale",
    )
    path = rejected_report(loading, db, tmp_path / "out")

    as_it_is = append(loading, db, path.read_bytes())

    assert as_it_is.summary.accepted == 0
    [row] = Imports(db).rejected_rows(as_it_is.campaign.id)
    assert (row.code, row.cells[2:]) == ("too_many_cells", ("stray, cell",))
    again = rejected_report(loading, db, tmp_path / "again")
    done = append(loading, db, mended(again, ('"stray, cell"', "")))
    assert (done.summary.accepted, done.rejected_file) == (1, None)


def test_a_file_that_brings_nothing_new_widens_no_campaign(loading, db, tmp_path):
    load(loading, rows(0, 2), "sale")
    written = report_of(db, Campaigns(db).find("sale"), tmp_path / "out")
    [contacts] = [path for path in written if "_contacts_" in path.name]

    back = append(loading, db, contacts.read_bytes())

    assert back.summary.duplicate == 2
    assert back.campaign.columns == ("agent", "customer", "name")
    check_conservation(db)


@pytest.mark.parametrize("from_report", [True, False])
def test_a_rejected_number_keeps_its_country_through_a_spreadsheet_program(
    loading, db, tmp_path, from_report
):
    first = load(loading, b"agent,customer\n9000000001,+6591234567\n", "sale")
    path = rejected_report(loading, db, tmp_path / "out") if from_report else first.rejected_file
    # a spreadsheet program takes every cell of digits with a plus in front for a number
    saved = re.sub(r"(?m)(^|,)\+([0-9]+)(?=,|$)", r"\1\2", path.read_text(encoding="utf-8"))

    back = append(loading, db, saved.encode())

    assert (back.summary.accepted, back.mended) == (0, 1)
    [row] = Imports(db).rejected_rows(back.campaign.id)
    assert (row.code, row.cells[1]) == ("country_not_allowed", "+6591234567")
