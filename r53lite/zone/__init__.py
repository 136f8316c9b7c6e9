"""Zone data: reading master files, building checked zones, looking names up. Pure."""
