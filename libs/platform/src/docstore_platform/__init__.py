"""Code that all DocStore services share."""
