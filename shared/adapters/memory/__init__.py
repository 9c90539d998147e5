"""The store in memory: what a played timeline is kept in."""
