"""What an outsider checks: bundles, the trust to check them against, and every rule derived again from evidence.

Reads no database, asks no node and believes no service: `verify` is given bytes and a trust, `export` its readers.
"""
