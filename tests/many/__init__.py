"""Several processes that share a PostgreSQL and a Valkey are one server."""
