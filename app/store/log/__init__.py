"""The log of the conversations: what is appended, and pages of it."""
