"""Drafts by e-mail: letters out, approvals by reply in."""
