"""How fast is r53lite beside other servers? `make bench` answers with a table; README.md tells how."""
