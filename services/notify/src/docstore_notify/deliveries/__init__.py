"""Deliveries: planned with their events, sent by workers, recorded with their outcome."""
