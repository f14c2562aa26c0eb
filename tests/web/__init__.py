"""The web client, in a real Chromium over a real server."""
