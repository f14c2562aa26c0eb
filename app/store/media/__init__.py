"""Files: their rows, their bytes, and how both leave."""
