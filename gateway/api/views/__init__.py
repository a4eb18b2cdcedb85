"""The JSON Schema of the answers under one version of one agreement. Pure."""
