"""The quota service: storage limits, reservations and usage."""
