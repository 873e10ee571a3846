"""One function per use case: simulate, put an intent in the outbox, return a receipt. Never reads the mirror."""
