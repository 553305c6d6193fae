"""Who may sign up: anybody, whoever is invited, or nobody."""
