"""Stand-ins for the outside world that do what they are told."""
