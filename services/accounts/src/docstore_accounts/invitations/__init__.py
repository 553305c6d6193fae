"""Invitations, and who may sign up: anybody, invited people, or nobody."""
