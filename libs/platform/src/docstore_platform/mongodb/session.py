"""The part of the database that use cases see: the session of a transaction, and its errors.

Only repositories, `app.py` and `maintenance.py` import the driver's types from `docstore_platform.mongodb.client`.
"""

from docstore_platform.mongodb.client import DuplicateKeyError, PyMongoError, Session, is_duplicate, is_passing

DatabaseError = PyMongoError
"""The database refused a request or is unreachable."""

__all__ = ["DatabaseError", "DuplicateKeyError", "Session", "is_duplicate", "is_passing"]
