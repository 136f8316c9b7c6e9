"""What is served, and the only way to change it: files in, one immutable snapshot out."""
