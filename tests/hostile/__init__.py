"""Hostile input: a clear answer to its sender, and nobody else notices."""
