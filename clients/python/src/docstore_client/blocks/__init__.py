"""Files in blocks: where they are cut, and how a block is transferred."""
