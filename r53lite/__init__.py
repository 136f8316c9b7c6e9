"""Route 53 on your own machine: real DNS answers with Route 53's policies and live health checks.

ARCHITECTURE.md at the top of the repository tells the rooms of this package and which may import which.
"""

__version__ = "0.1.0"
