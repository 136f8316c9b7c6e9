"""Do NSD, Knot and r53lite give the same answers? Generated and written zones, asked of all three."""
