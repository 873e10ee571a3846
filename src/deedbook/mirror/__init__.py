"""The public copy of the chain: blocks, logs and what follows from them, disposable and rebuilt byte for byte.

Copies and checks; decides no business rule.
"""
