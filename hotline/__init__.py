"""The harbour: the only place where the islands meet, and the only one with a clock, a socket or a pool."""
