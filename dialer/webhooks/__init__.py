"""Whoever wants to hear what happened is told over HTTP: signed, in order, until they have it."""
