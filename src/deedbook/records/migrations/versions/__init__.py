"""One file for each migration; none is changed after its release."""
