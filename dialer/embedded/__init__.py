"""The embedded server, for who has no Redis."""
