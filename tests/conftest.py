"""Fixtures that every room's tests share."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

# Tests under JAX compile for minutes what runs for seconds: here it need not be fast. They run in
# processes of their own, which take this from here.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real slices; tests that need it skip where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MEMBSEG_DATA", default))
    if not folder.is_dir():
        # They may not be copied into the project, and other checkouts do not have them.
        pytest.skip(f"needs the real slices, and there is no folder {folder} (set MEMBSEG_DATA)")
    return folder


@pytest.fixture
def server():
    """Serves ``server.files`` on this machine; counts requests in ``server.hits``.

    ``server.redirects`` send elsewhere; of a path in ``server.broken`` only so many bytes come.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.hits += 1
            target = self.server.redirects.get(self.path)
            body = self.server.files.get(self.path)
            self.send_response(302 if target else 200 if body is not None else 404)
            if target:
                self.send_header("Location", target)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write((body or b"")[: self.server.broken.get(self.path)])

        def log_message(self, *args):
            """Keep the test's output clean."""

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.files, found.redirects, found.broken, found.hits = {}, {}, {}, 0
    found.url = f"http://127.0.0.1:{found.server_port}"
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()
