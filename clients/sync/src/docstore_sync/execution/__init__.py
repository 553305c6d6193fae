"""Execution of plans: each step is checked, carried out and recorded."""
