"""The DCI wire: envelope, search messages, codes, and the places of attributes in a record."""
