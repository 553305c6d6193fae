"""Comparison of counted usage with what metadata stores."""
