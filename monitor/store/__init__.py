"""All SQL of Ohlas: one interface, one engine (SQLite) so far."""
