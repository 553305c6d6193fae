"""What every service is built from: its application, its process, and its calls to other services."""
