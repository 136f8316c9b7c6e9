"""Does anything that arrives break us? The fuzzers of the codec, the readers of files and the door.

`python -m tests.fuzz --help` runs them for as long as wanted (`make soak` does), `test_fuzz.py` a bounded
part. `worlds` says what is served, `packets` and `mutators` what is asked, `invariants` what always holds,
and `door`, `codec`, `reader` and `sockets` are the loops. Everything follows from the seed and the number of
the block, which are printed with each fault; the corpus is code, so there is no file to keep.
"""
