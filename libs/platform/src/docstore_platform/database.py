"""What use cases know of the database: the session of a transaction, and how a write fails.

Only repositories, `app.py` and `maintenance.py` import the driver's types from `docstore_platform.mongo`.
"""

from docstore_platform.mongo import DuplicateKeyError, PyMongoError, Session, is_duplicate

DatabaseError = PyMongoError
"""The database refused, or can't be reached."""

__all__ = ["DatabaseError", "DuplicateKeyError", "Session", "is_duplicate"]
