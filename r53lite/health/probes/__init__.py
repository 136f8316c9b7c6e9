"""One module per kind of probe; a probe returns a `ProbeResult` and raises for nothing an endpoint does."""
