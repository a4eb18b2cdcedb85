"""The registry kit: what a ministry's engineer drafts, checks and probes her registry with, and how ready it is."""
