"""What the pages of the school show."""
