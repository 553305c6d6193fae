"""How calls reach a server: the connection to a gateway, retries, limits and measurements of the network."""
