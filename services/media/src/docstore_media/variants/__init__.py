"""Variants: pictures of any size, pages, watermarked copies and videos, rendered on demand."""
