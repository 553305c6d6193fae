"""Fault injection in a running stack, with a stop condition and a report of what users felt."""
