"""Decides: pure rules. Its vocabulary, which docs/glossary.md goes on with:

list       a file of rows, each of which ends as accepted, rejected or duplicate
contact    an accepted row: one agent, one customer, one line of its list
campaign   a named list of contacts with its rules and its state
rules      how a campaign dials, in versions; an attempt keeps the version it was made by
release    short-lived permission to try a contact; no call exists yet
attempt    one request to ring a contact, from its intent to its one outcome
outcome    what came of an attempt: connected, customer_busy, unknown …
end        what closes a contact: its last outcome, or the reason it was not dialled
settle     to give an attempt its outcome by evidence, in any order, any number of times
quarantine where an attempt waits, its numbers held, while nobody knows whether a phone rings
"""
