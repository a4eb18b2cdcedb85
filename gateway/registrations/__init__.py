"""The life of a registration: from a draft to a live registry and its end, while questions go on."""
