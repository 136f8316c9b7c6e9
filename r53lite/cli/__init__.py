"""One file per command; `main` gathers them."""
