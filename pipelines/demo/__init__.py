"""The demo company 兰亭映像 (Lanting Media): nine legacy systems, made from a seed, with the truth apart.

Comes in: how many true customers, and a seed. Goes out: `sources/` in the real formats and `truth/`,
which no other part of Guike reads. See `make.make_demo`.
"""

from pipelines.demo.make import EDITION, DemoSummary, make_demo

__all__ = ["EDITION", "DemoSummary", "make_demo"]
