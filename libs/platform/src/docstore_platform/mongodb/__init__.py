"""The connection to MongoDB, its transactions, and how collections are sharded."""
