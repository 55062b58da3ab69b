"""What people and admins do in the reading room."""
