"""What the tests are made of: a real server, real clients, raw sockets."""
