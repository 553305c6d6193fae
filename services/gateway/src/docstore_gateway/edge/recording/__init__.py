"""Records of public calls: metrics, access log and audit log."""
