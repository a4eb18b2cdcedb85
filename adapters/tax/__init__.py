"""Tax authority: SOAP 1.1, document/literal."""
