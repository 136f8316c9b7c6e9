"""The recursive resolver: from root hints to an answer, iteratively (RFC 1034 §5.3.3).

limits, delegation ← scrub, root_hints ← cache ← servers ← resolution, all pure; `upstream` is the shell that
carries bytes. `answering.recursive` drives them.
"""
