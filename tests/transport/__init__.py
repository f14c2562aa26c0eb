"""The transport alone: frames in memory, and a real socket that echoes."""
