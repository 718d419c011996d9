"""Not a connector: it lacks Settings and connect."""
