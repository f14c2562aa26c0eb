"""The core: sockets, frames, delivery. It imports neither Flask nor SQLAlchemy."""
