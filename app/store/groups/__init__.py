"""Groups: who is in, and who may what."""
