"""Drafts in Slack: cards, clicks and forms."""
