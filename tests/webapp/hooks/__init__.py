"""Tests of the providers' doors."""
