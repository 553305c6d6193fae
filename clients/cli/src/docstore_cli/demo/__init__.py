"""`docstore demo`: the main job on real documents, told as it happens."""
