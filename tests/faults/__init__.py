"""The delivery contract under faults: rounds of load, a fault each, and a checker.

proxy.py breaks networks; sites.py is HiChat in both topologies, with a proxy on every connection;
faults.py is what happens to them, flush.py one of these. device.py is a client that follows
docs/protocol.md; rounds.py lets eight of them talk through a fault and writes everything down
(history.py); story.py reads that, check.py finds what must not be in it.
"""
