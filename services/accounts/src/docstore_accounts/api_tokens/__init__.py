"""API tokens: long-lived credentials of programs, with scopes."""
