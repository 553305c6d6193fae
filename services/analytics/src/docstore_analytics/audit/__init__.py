"""The audit log: a signed chain of calls and changes, sealed and anchored in the object store."""
