"""HTTP: turns requests into calls and results into JSON. Never holds a private key."""
