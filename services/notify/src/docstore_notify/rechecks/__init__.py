"""Ends subscriptions of accounts that have lost their right to read."""
