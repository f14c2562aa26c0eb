"""Who is asking: passwords, tokens, tickets."""
