"""Transcribes recordings: by an HTTP endpoint, or by Amazon Transcribe."""
