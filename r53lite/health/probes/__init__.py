"""One module per kind of probe; a probe returns a `ProbeResult` and never raises for what an endpoint does."""
