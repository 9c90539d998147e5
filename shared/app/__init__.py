"""Use cases: what the entry points do, in terms of the ports."""
