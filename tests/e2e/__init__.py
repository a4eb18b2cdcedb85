"""End to end: the real gateway against the real practice country, through public surfaces only."""
