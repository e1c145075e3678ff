"""An uploaded list, read as a careful person would: an open file becomes contacts, warnings and rejected rows.

open_file ──▶ text_list, or workbook ──▶ rows     what it is, how it is written, which sheet
rows ──▶ header_line ──▶ columns ──▶ a header     where the names stand, whose numbers are in which column
contact_list: rows ──▶ row_judge ──▶ sieve        each by itself, then beside those listed and suppressed
                          └─────────┴─▶ judged_rows  accepted, rejected, duplicate; counted, written out

One that is given by itself: one_at_a_time. Agents: agents_list. Two versions of a list: diff.
"""
