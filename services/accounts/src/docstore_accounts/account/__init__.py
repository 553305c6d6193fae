"""The account itself: its state, its rules and its events, which all other features share."""
