"""Changes and notifications for waiting clients: long polls and server-sent events."""
