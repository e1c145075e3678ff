"""When may be called: hours as people write them, holidays, and days on which the clock is changed."""
