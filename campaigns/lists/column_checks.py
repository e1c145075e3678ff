"""Whether the columns that were understood are meant: not one of two of a name, nor one nobody sees."""

from collections.abc import Collection, Sequence

from campaigns.lists.column_choice import ColumnChoice
from campaigns.lists.column_names import ColumnNames
from campaigns.lists.header import ColumnsUnclear, Header, MatchedColumn, Role
from campaigns.lists.source import CampaignFileError
from campaigns.sentence import told


def check_not_doubled(
    header: Header, named: ColumnNames, choice: ColumnChoice, *, line: int
) -> None:
    """Check that no column that matters shares its name with another, unless it was said by hand.

    Raises:
        CampaignFileError: One does.
    """
    for one in header.matched:
        is_meant = header.is_ours or _said(one, choice) or one.role is Role.NAME
        if one.index in named.doubled and not is_meant:
            raise CampaignFileError(
                "Two columns are named '{column}', and either could be the {role}'s. Rename one "
                "of them, or say which is meant: the later one is '{column} (2)'.",
                column=one.column,
                role=told(str(one.role)),
                line=line,
                choice=_choice_of(one),
            )


def check_not_hidden(
    header: Header, hidden: Collection[int], choice: ColumnChoice, *, line: int
) -> None:
    """Check that no number is taken from a column that the sheet hides, unless it was said by hand.

    Raises:
        CampaignFileError: One would be.
    """
    for one in (header.agent, header.customer):
        if one.index in hidden and not _said(one, choice):
            raise CampaignFileError(
                "Column '{column}' would be the {role}'s number, but the sheet hides it. "
                "Show it in the sheet, or say that '{column}' is meant.",
                column=one.column,
                role=told(str(one.role)),
                line=line,
                choice=f"{one.role}_column",
            )


def hidden_notes(header: Header, hidden: Collection[int]) -> tuple[str, ...]:
    """Tell which columns nobody sees in the sheet."""
    names = _listed(header.columns, hidden)
    return (
        (told("Hidden in the sheet, and read all the same: {columns}.", columns=names),)
        if names
        else ()
    )


def tell_hidden(error: CampaignFileError, columns: Sequence[str], hidden: Collection[int]) -> None:
    """Add to a doubt about the columns which of them nobody sees in the sheet."""
    is_doubt = error.choice or isinstance(error, ColumnsUnclear)
    if is_doubt and (names := _listed(columns, hidden)):
        error.args = (
            told("{error} Hidden in the sheet: {columns}.", error=str(error), columns=names),
        )


def _listed(columns: Sequence[str], hidden: Collection[int]) -> str:
    return ", ".join(f"'{name}'" for index, name in enumerate(columns) if index in hidden)


def _choice_of(one: MatchedColumn) -> str:
    return f"{one.role}_column" if one.role in {Role.AGENT, Role.CUSTOMER} else ""


def _said(one: MatchedColumn, choice: ColumnChoice) -> bool:
    return getattr(choice, one.role, None) is not None
