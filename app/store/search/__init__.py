"""Search, and the index of words behind it."""
