"""Unit tests of adapters/generic/graphql/."""
