"""All rows into a file and back, or into another database."""
