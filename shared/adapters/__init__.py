"""The vendors, one by one: each adapter implements ports of `shared.ports`."""
