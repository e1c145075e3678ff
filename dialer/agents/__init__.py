"""Use cases about agents: who they are, where they are, when their shifts change."""
