"""From a registry's records to Hearth's words: a closed list of operations, compiled once per manifest."""
