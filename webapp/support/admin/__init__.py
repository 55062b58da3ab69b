"""Conversations with customers, as admins hold them."""
