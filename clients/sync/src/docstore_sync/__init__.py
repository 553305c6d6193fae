"""Keeps a folder of this machine and an account's files the same, both ways."""
