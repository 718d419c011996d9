"""The guard's rules, by what they look at; responders/guard.py asks them all."""
