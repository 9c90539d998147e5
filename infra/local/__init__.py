"""The one-machine world: simulated vendors, real requests."""
