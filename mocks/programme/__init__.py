"""A toy programme: what receives Hearth's callbacks, checks them, and remembers them in order."""
