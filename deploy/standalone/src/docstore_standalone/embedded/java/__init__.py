"""Servers from Maven Central, which only tests start."""
