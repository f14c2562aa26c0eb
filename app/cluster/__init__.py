"""Several processes that are one server: they share a database and a Redis (or Valkey)."""
