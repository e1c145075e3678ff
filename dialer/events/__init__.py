"""What happened, from the cursor on: out of files and Redis, with what is known of it now."""
