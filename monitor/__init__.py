"""Ohlas: watch what customers say, draft answers, let a person decide, publish once."""
