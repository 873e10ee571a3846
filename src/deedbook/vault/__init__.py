"""Sealed payloads: record key trees, key envelopes, the object store, erasure. Knows no price."""
