"""Tests of Ohlas."""
