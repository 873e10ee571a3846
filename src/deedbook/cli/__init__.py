"""The terminal: turns words into calls and results into words. Never prints a traceback."""
