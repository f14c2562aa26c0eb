"""Users, their sessions, when they were last seen."""
