"""The metadata service: the tree of files and folders, versions, sharing, links, trash, retention, the change feed."""
