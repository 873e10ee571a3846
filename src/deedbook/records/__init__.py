"""Private state that no chain can rebuild: signed consents, documents, keys, envelopes, the outbox of intents.

Written by the service alone, never by the mirror. Knows SQL, and neither ciphers (a `Sealer` is handed in) nor nodes.
"""
