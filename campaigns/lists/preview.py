"""The first rows of a list as they were understood, for a person who has to say whether that is right."""

from campaigns.contact import Contact
from campaigns.lists.header import Header, MatchedColumn
from campaigns.lists.judged_rows import Rejected
from campaigns.lists.row_judge import remark_total
from campaigns.lists.source import Row, UnderstoodRow
from campaigns.lists.team_cells import TeamNumbers
from campaigns.lists.total_line import is_total_line


def understood(
    header: Header, row: Row, verdict: Contact | Rejected, teams: TeamNumbers
) -> UnderstoodRow:
    """Put a row beside what it was understood as."""
    name = _cell(row, header.name)
    if isinstance(verdict, Contact):
        agent = str(teams.team_of(verdict.agent) or verdict.agent)
        return UnderstoodRow(row.line, agent, verdict.customer, name, "")
    agent, customer = _cell(row, header.agent), _cell(row, header.customer)
    told = remark_total(verdict) if is_total_line(row.cells) else verdict
    return UnderstoodRow(row.line, agent, customer, name, told.message)


_MOST_CHARS = 60


def _cell(row: Row, match: MatchedColumn | None) -> str:
    cell = row.cells[match.index] if match and match.index < len(row.cells) else ""
    return cell.strip()[:_MOST_CHARS]
