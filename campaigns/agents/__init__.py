"""Agents as people: who they are, when their shift is, which groups they belong to."""
