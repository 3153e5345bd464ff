"""`make bench`: how fast, how much memory, and what the limit would be.

Each benchmark is a module with `measure(place)`; what must run in a process of its own
is in `programs`. Nothing here is asserted: figures are for people to read.
"""
