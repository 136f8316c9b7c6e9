"""What the server tells about itself: the log."""
