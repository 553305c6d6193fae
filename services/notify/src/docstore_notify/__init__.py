"""The notify service: notifications to people and other systems."""
