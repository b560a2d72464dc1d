"""Work that the clock brings: what is due when, done once, on one replica."""
