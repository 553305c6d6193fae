"""Decisions of recipients: accept and decline shares, be asked first, block people."""
