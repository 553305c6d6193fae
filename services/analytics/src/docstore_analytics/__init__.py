"""The analytics service: event archive, reports, activity, audit log."""
