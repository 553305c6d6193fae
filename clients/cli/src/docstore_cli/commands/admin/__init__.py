"""`docstore admin`: reports, accounts, audit log, service health, and SQL queries of the event archive."""

from docstore_cli.commands.admin import accounts, audit, operations, reports, verify
from docstore_cli.commands.admin.app import app

__all__ = ["accounts", "app", "audit", "operations", "reports", "verify"]
