"""The chain: a node to talk to (embedded or remote), deployment, sending, decoding and proofs."""
