"""Drafts by a language model: asked with strangers' words as data only, judged by the guard, decided by a person."""
