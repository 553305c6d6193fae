"""What every request passes before a service gets it: log-in, limits, idempotency, headers, logs."""
