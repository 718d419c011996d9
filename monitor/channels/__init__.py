"""Looks whether the company's own pages, profiles, form and mailbox can be reached by customers."""
