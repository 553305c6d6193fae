"""Invitations, and who may sign up: everyone, invited people, or no one."""
