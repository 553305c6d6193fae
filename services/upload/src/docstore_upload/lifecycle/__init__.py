"""What uploads and packs share: states, requests, commits, acknowledgements, due work."""
