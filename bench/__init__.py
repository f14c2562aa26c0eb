"""Benchmarks: HiChat beside its peers, on the same work, in the same minute."""
