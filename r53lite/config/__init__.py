"""Settings and YAML documents: what people write, read with line numbers, every fault reported together."""
