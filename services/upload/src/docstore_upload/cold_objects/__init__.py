"""Objects that only unused contents need: moved to a colder storage class, and retrieved from it."""
