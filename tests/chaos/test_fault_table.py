"""Every row of the fault table and the test that answers for it; a row without one fails here."""

from pathlib import Path

import pytest

from tests.sources import names_of_tests

TESTS = Path(__file__).parents[1]

# where a test carries the row's ID in its name, that is enough; here stand the others
ELSEWHERE = {
    "W8": (
        "chaos/test_supervisors.py",
        "test_a_worker_finishes_the_requests_it_has_sent_however_it_is_asked_to_stop",
    ),
    "R9": ("integration/test_recovery.py", "test_r9_a_hold_set_by_hand_while_the_machine_works_its_own_off_stands"),
    "R10": ("integration/test_recovery.py", "test_r10_a_host_that_redis_knew_before_it_was_away_is_waited_for"),
    "R11": ("integration/test_lost_calls.py", "test_r11_two_lost_attempts_of_one_contact_both_come_back_and_nobody_is_rung_again"),
    "R12": ("integration/test_recovery.py", "test_r12_a_lost_host_is_waited_for_as_long_as_the_longest_call_of_any_campaign"),
    "D3": ("unit/test_journal.py", "test_d3_a_line_that_no_file_takes_whole_is_not_durable_and_leaves_no_file_behind"),
    "C2": ("integration/test_settling.py", "test_every_order_of_a_calls_callbacks_gives_the_same_attempt"),
    "C7": ("integration/test_callbacks.py", "test_a_body_that_takes_too_long_is_refused"),
    "C11": ("unit/test_settlement.py", "test_details_that_contradict_count_once_they_are_final_whatever_callbacks_repeat"),
    "T2": ("unit/test_calling_hours_clock_changes.py", "test_a_local_time_shown_twice_never_extends_a_window_beyond_its_hours"),
    "T3": ("integration/test_gate.py", "test_a_campaign_that_closes_between_release_and_gate_waits_for_its_next_hours"),
    "D1": ("integration/test_reporting.py", "test_a_full_disk_leaves_the_old_report_and_nothing_half_written"),
    "F2": ("integration/test_loading.py", "test_every_row_is_accepted_rejected_or_a_duplicate"),
    "F3": ("unit/test_contact_list_refused.py", "test_whatever_the_bytes_a_file_is_read_or_refused"),
    "P16": (
        "contract/test_exotel_sockets.py",
        "test_p16_an_address_that_is_silent_leaves_time_for_the_next_and_goes_last_from_then_on",
    ),
    "P18": (
        "integration/test_dialing.py",
        "test_p18_of_a_row_of_unknowns_and_what_the_provider_asked_for_the_longer_wait_counts",
    ),
    "W10": (
        "integration/test_way_out.py",
        "test_w10_the_account_goes_on_while_another_host_is_well",
    ),
    "F4": ("integration/test_turns.py", "test_one_customer_is_held_once_whatever_agent_or_campaign"),
    "P14": ("integration/test_never_over.py", "test_p14_past_the_longest_call_an_attempt_ends_and_frees_its_people"),
    "P15": ("integration/test_never_over.py", "test_p15_a_call_whose_numbers_differ_ends_and_says_so"),
    "P17": ("integration/test_lookups_that_fail.py", "test_p17_a_row_that_fails_leaves_the_others_alone_in_the_same_sweep"),
    "L3": ("integration/test_purging.py", "test_l3_a_queue_goes_on_after_its_agents_number_was_purged"),
    "K3": ("integration/test_sweeping.py", "test_k3_who_is_to_be_called_back_is_called_whatever_late_details_say"),
    "V1": ("integration/test_versions.py", "test_v1_a_worker_of_another_version_dials_nothing_and_closes_nothing"),
    "K4": ("integration/test_archiving.py", "test_k4_a_contact_opened_and_dialled_while_it_is_archived_is_archived_as_it_ended"),
    # of agents: groups, presence, dispositions, moves
    "A1": ("integration/test_team_recovery.py", "test_whoever_was_rung_is_held_when_a_host_brings_the_call_back"),
    "A2": ("integration/test_teams.py", "test_an_agent_of_a_group_and_of_pairs_has_one_call_at_a_time"),
    "A3": ("integration/test_teams.py", "test_a_release_of_a_team_that_is_not_used_goes_back_and_comes_again"),
    "A4": ("integration/test_presence.py", "test_the_gate_refuses_who_went_away_after_the_release"),
    "A5": ("integration/test_teams.py", "test_who_dies_between_the_agents_and_their_groups_leaves_the_rest_to_the_feeder"),
    "A6": ("chaos/test_nth_operation.py", "test_a_campaign_passes_whichever_redis_command_fails"),
    "A7": ("integration/test_disposing.py", "test_a_campaign_that_is_cancelled_waits_for_nobodys_word"),
    "A8": ("integration/test_moving.py", "test_a_move_that_dies_at_any_command_loses_nobody_and_is_done_by_asking_again"),
}  # fmt: skip

TABLE = [
    f"{letter}{number}"
    for letter, last in {"W": 9, "R": 12, "P": 13, "C": 11, "T": 3, "L": 2, "D": 3, "F": 4, "K": 2, "S": 1}.items()
    for number in range(1, last + 1)
]  # fmt: skip
TABLE += ["P16", "P18", "P19", "W10"]
TABLE += [f"A{number}" for number in range(1, 9)]
TABLE += ["H3", "P14", "P15", "P17", "L3", "K3", "K4", "V1"]


def ids_of(name: str) -> set[str]:
    """`test_r2_r8_an_emptied_redis…` answers for R2 and R8."""
    ids = set()
    for word in name.removeprefix("test_").split("_"):
        if word.upper() not in TABLE:
            break
        ids.add(word.upper())
    return ids


@pytest.mark.parametrize("row", TABLE)
def test_every_row_of_the_fault_table_has_its_test(row):
    if row in ELSEWHERE:
        file, name = ELSEWHERE[row]
        assert name in names_of_tests(TESTS / file)
    else:
        assert any(row in ids_of(name) for name in names_of_tests(TESTS / "chaos"))
