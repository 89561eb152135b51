"""A pretended AWS: ``aws_server.py PORT FILE``; each call is a line of FILE. Refuses to run where a network is."""

from __future__ import annotations

import io
import json
import sys
import urllib.parse
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aws_child import refuse_where_there_is_a_network


def main() -> None:
    refuse_where_there_is_a_network()
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    port, file = int(sys.argv[1]), Path(sys.argv[2])
    application: Any = DomainDispatcherApplication(create_backend_app)

    def noted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        call = {key: values[0] for key, values in urllib.parse.parse_qs(body.decode(errors="replace")).items()}
        if "Action" in call:
            with file.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(call) + "\n")
        answer: Iterable[bytes] = application(environ, start_response)
        return answer

    run_simple("127.0.0.1", port, noted, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
