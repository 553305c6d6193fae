"""What every DocStore service shares and no service owns."""
