"""Readings written by a model behind an OpenAI-compatible API, however its server keeps to that API."""

from backend.readings.gateways.openai_compatible.model import OpenAiCompatible

__all__ = ["OpenAiCompatible"]
