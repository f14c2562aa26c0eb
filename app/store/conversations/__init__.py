"""Conversations as their members see them, and what two users are to each other."""
