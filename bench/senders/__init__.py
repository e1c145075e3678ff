"""Programs that send requests; each runs in the environment of what it measures."""
