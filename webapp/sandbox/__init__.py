"""The simulated bank: Plaid's sandbox for a transactions app, on this machine.

It speaks Plaid's HTTP API and serves a Link of its own. It imports nothing from the
rest of webapp; the two meet only over HTTP. `control/__init__.py` describes the
routes under /_control that move its clock, break it and edit its world.
"""
