"""A package: the deployment of its tests ends with them."""
