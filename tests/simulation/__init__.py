"""Seeded random histories of the real use cases and the SQLite store, on a virtual clock."""
