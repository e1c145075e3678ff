"""Recordings keep themselves: fetched once they are there, put where they stay, and played from there."""
