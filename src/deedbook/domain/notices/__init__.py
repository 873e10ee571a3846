"""Notices that ship with Deedbook, one JSON file for each use and language; `consents.load_notice` reads them."""
