"""Tests of the adapters, one each."""
