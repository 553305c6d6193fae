"""The media service: previews, and pictures and videos in other sizes."""
