"""The model test: random operations on a real server, compared with a plain reference model.

state.py, messages.py, groups.py, contacts.py and views.py are the reference: what HiChat is,
without a network, a database or a clock, written from docs/protocol.md. world.py, wire.py and
device.py are the real thing: a server that is stopped and killed, and devices on sockets. run.py
does everything to both; check.py compares them; machine.py lets hypothesis choose what to do.
"""
