"""Who may be believed: our keys and their rotation, others' keys, signing and sealing, replay, rate limits.

`ring` has our keys as files; `fetched` and `signers` the keys of others; `sealing` what leaves; `replay` and `limiting`
what came before; `assertions` and `issuers` the tokens that are earned without a secret.
"""
