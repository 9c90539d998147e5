"""The store in one file on one machine."""
