"""What pages of groups show."""
