"""Ends subscriptions of accounts that have lost their right to read, or that another person has taken over."""
