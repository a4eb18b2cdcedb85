"""Who asked about me: what the journal says of a person, told to that person.

The journal is the truth. Beside it lie an index from people to entries, what people want to be told at once, and what
they dispute; people stand in all of it under keyed pseudonyms, and numbers are sealed.
"""
