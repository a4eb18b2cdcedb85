"""Evidence: what proves, years later and with nothing but public keys, how one answer came about.

What must be known then stands in the journal entry before the answer leaves (`stating`); a pack takes the entry out of
the journal with everything it refers to (`packing`); and anybody can check one (`checking`).
"""
