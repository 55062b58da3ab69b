"""All SQL of vouchers, gift cards and bonuses."""
