"""Health checks: counters and table (pure), probes and scheduler (shell). Policies only read the published
table.
"""
