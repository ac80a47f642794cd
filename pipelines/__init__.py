"""Guike (归客): one customer view from a company's scattered legacy systems."""
