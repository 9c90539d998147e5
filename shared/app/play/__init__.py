"""Playing a timeline through the real decisions, on a clock that is set and not read."""
