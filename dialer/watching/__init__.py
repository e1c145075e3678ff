"""Where everything stands: campaigns, agents, the account, and why nothing is dialled."""
