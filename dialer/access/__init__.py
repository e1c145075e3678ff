"""Who may come in: keys, sessions, and what is open to others."""
