"""Who may learn what: agreements, purposes, consent and minimisation."""
