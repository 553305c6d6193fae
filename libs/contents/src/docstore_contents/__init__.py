"""File contents: the object store, signed URLs, blocks, packs, and limited processes that read them."""
