"""The Bot API without aiogram, which takes 150 MB and seconds to import: ``await telegram.call(SendMessage(...))``."""
