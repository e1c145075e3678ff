"""What people change: a start, rules, a call-back, numbers that are never called."""
