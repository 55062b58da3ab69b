"""Tests of conversations with customers."""
