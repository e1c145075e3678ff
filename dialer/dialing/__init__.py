"""The way of a dial: releasing → gate → journal → sending → finishing; recovery, when Redis forgets."""
