"""The built-in interpreter: composes readings, answers to further questions, and endings of texts that broke off."""
