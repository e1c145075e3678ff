"""What a campaign will take, what binds it, and when it will be done."""
