"""Photos and videos of an account by the date they were taken."""
