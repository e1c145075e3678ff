"""Why a row is not taken, or taken with a remark; the words stand in files and do not change.

A number's own faults stand in `phone.py`.
"""

from enum import StrEnum


class RowFault(StrEnum):
    """Why a row is rejected, or a duplicate."""

    # the row as a whole
    BROKEN_QUOTES = "broken_quotes"
    TOO_MANY_CELLS = "too_many_cells"
    CELL_TOO_LONG = "cell_too_long"
    NUL_CHARACTER = "nul_character"
    # its pair
    AGENT_IS_CUSTOMER = "agent_is_customer"
    IS_CALLER_ID = "is_caller_id"
    # its team
    AGENT_AND_GROUP = "agent_and_group"
    UNKNOWN_GROUP = "unknown_group"
    BAD_BACKUP = "bad_backup"
    BAD_SKILLS = "bad_skills"
    SUPPRESSED = "suppressed"
    # its optional cells
    BAD_PRIORITY = "bad_priority"
    BAD_DATE = "bad_date"
    BAD_TIMEZONE = "bad_timezone"
    CUSTOM_FIELD_TOO_LONG = "custom_field_too_long"
    NEVER_DUE = "never_due"
    BAD_EXTERNAL_ID = "bad_external_id"
    # what is given one at a time
    NOT_UNDERSTOOD = "not_understood"
    UNKNOWN_COLUMN = "unknown_column"
    # others with the same numbers
    DUPLICATE_PAIR = "duplicate_pair"
    DUPLICATE_CUSTOMER = "duplicate_customer"
    DUPLICATE_IN_CAMPAIGN = "duplicate_in_campaign"
    DUPLICATE_ACTIVE = "duplicate_active"
    DUPLICATE_EXTERNAL_ID = "duplicate_external_id"


class RowWarning(StrEnum):
    """What was odd about a row that is taken nevertheless."""

    TOO_FEW_CELLS = "too_few_cells"
    ODD_QUOTES = "odd_quotes"
    TOTAL_LINE = "total_line"  # no row: it is passed over, and told
