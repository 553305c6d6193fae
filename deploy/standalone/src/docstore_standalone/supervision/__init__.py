"""Server processes: started, restarted and stopped with the stack."""
