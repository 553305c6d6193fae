"""The bytes of files: the object store, its signed URLs, blocks, packs, and limited processes that read them."""
