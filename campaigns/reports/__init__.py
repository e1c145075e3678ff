"""From counts to a report whose sums hold."""
