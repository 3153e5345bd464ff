"""Programs that need a process of their own, for their memory is measured, too.

Each prints one line of JSON.
"""
