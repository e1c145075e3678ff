"""People are told what is wrong while they are elsewhere: once, and when it is over."""
