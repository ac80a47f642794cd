"""The demo company's call centre, put up while it is read.

Comes in: the spec of the system about to be read. Goes out: the same spec, or one that points at the demo's
web service: where the spec names the demo's own address and the demo's data is there, the service is up for
the length of the block, on a free port, so that two demos on one machine never read each other's calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.extract.specs import SystemSpec
from pipelines.settings import Settings, expand

_DEMO_URL = "http://127.0.0.1:8765"


@contextmanager
def demo_service(settings: Settings, spec: SystemSpec) -> Iterator[SystemSpec]:
    """Serve the demo's call centre during the block, where that is what `spec` reads."""
    folder = settings.home / "demo"
    has_demo = (folder / "sources" / "callcentre").is_dir()
    if spec.kind != "rest" or not has_demo or expand(spec.location).rstrip("/") != _DEMO_URL:
        yield spec
        return
    from pipelines.demo.server import serve

    with serve(folder, 0) as url:
        yield spec.model_copy(update={"location": url})
