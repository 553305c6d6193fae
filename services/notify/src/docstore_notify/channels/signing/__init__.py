"""Keys and signatures that prove to receivers who sends."""
