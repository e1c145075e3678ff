"""An attempt gets its outcome: told by callbacks, looked up, or decided by a person."""
