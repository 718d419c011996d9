"""The web page where a person reads, edits, approves or rejects drafts."""
