"""The way of a dial: releasing → gate → journal → send → finishing; and recovery, when Redis forgets."""
