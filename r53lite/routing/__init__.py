"""Routing policies: which of a group's record sets answers this client now? Pure; time and chance are
arguments.
"""
