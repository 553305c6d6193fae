"""How a client that has lost track catches up: snapshot and compare."""
