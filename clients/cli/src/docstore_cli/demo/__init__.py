"""`docstore demo`: the main job on sample documents, shown step by step."""
