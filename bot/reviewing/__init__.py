"""What people do with a review, and what the clock does with it: who may, what follows, and the commit that makes it
so."""
