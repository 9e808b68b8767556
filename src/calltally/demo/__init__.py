"""A believable year of calls, to look around with."""
