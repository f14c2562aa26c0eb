"""What is done to messages that are there: edits, reactions, removals, retention."""
