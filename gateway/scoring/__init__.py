"""Scores against the truth of a practice country: how well people are linked, how rightly households are composed."""
