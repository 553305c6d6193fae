"""The trash: into it, out of it, and gone for good."""
