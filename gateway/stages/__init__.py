"""The rooms a question walks through, one file each."""
