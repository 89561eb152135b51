"""The provider for DigitalOcean, against a small API of our own, where nothing else can be reached."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from machines import available

from metagenx.errors import InputError

ALONE = "METAGENX_TEST_ALONE"
ROUTES = Path("/proc/net/route")


class Cloud(BaseHTTPRequestHandler):
    """Droplets, tags and firewalls, in the shapes of DigitalOcean's reference."""

    state: dict[str, Any]

    def answer(self, code: int, content: Any = None) -> None:
        text = b"" if content is None else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *arguments: Any) -> None:
        pass

    def handle_one(self) -> None:
        state, url = self.state, urlparse(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        state["calls"].append((self.command, url.path))
        if self.headers["Authorization"] != "Bearer dop_secret":
            return self.answer(401, {"id": "unauthorized", "message": "Unable to authenticate you"})
        if state["failures"]:
            return self.answer(state["failures"].pop(), {"message": "busy"})
        match url.path.strip("/").split("/"), self.command:
            case ["v2", "droplets"], "GET":
                found = [d for d in state["droplets"].values() if query.get("tag_name") in d["tags"]]
                page, size = int(query["page"]), 2  # small pages, whatever is asked for
                pages = {"next": "…"} if page * size < len(found) else {}
                return self.answer(200, {"droplets": found[(page - 1) * size : page * size], "links": {"pages": pages}})
            case ["v2", "droplets"], "POST":
                number = len(state["droplets"]) + 100
                networks = [{"type": "public", "ip_address": f"203.0.113.{number}"},
                            {"type": "private", "ip_address": f"10.1.0.{number}"}]  # fmt: skip
                droplet = {"id": number, "status": "active", "networks": {"v4": networks}, **body}
                state["droplets"][str(number)] = droplet
                return self.answer(202, {"droplet": {**droplet, "networks": {"v4": []}, "status": "new"}})
            case ["v2", "droplets", number], "GET" if number in state["droplets"]:
                return self.answer(200, {"droplet": state["droplets"][number]})
            case ["v2", "droplets", number], "DELETE" if number in state["droplets"]:
                del state["droplets"][number]
                return self.answer(204)
            case ["v2", "tags"], "POST":
                return self.answer(201, {"tag": body})
            case ["v2", "tags", tag, "resources"], method:
                tags = state["droplets"][str(body["resources"][0]["resource_id"])]["tags"]
                tags.append(tag) if method == "POST" else tags.remove(tag)
                return self.answer(204)
            case ["v2", "firewalls"], "GET":
                return self.answer(200, {"firewalls": list(state["firewalls"].values())})
            case ["v2", "firewalls"], "POST":
                state["firewalls"]["f1"] = {"id": "f1", **body}
                return self.answer(202, {"firewall": state["firewalls"]["f1"]})
            case ["v2", "firewalls", number], "DELETE":
                del state["firewalls"][number]
                return self.answer(204)
        return self.answer(404, {"id": "not_found", "message": "The resource you were accessing could not be found."})

    do_GET = do_POST = do_DELETE = handle_one


@pytest.mark.skipif(not available(), reason="needs root, and network namespaces")
@pytest.mark.skipif(ALONE in os.environ, reason="is alone already")
def test_where_nothing_else_can_be_reached() -> None:
    command = [
        "unshare",
        "-n",
        "bash",
        "-c",
        'ip link set lo up && exec "$@"',
        "_",
        sys.executable,
        "-m",
        "pytest",
        "-q",
    ]
    done = subprocess.run(
        [*command, "-p", "no:cacheprovider", __file__], env={**os.environ, ALONE: "1"}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert "...." in done.stdout


alone = pytest.mark.skipif(ALONE not in os.environ, reason="run by test_where_nothing_else_can_be_reached")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    assert len(ROUTES.read_text().splitlines()) <= 1, "there is a network"
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop_secret")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    state: dict[str, Any] = {"droplets": {}, "firewalls": {}, "calls": [], "failures": []}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Cloud,), {"state": state}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state, f"http://127.0.0.1:{server.server_address[1]}/v2"
    server.shutdown()


def provider(api: str, **more: Any) -> Any:
    from metagenx.cluster.digitalocean import DropletProvider

    ours = {"ssh_from": "198.51.100.7/32"}
    config = {
        "type": "external",
        "api": api,
        "region": "nyc3",
        "ssh_key_fingerprint": "aa:bb",
        "metagenx": ours,
        **more,
    }
    return DropletProvider(config, "lab 1")


NODE = {"size": "s-4vcpu-8gb", "image": "ubuntu-24-04-x64"}
HEAD = {"ray-node-type": "head", "ray-node-name": "ray-lab 1-head", "ray-launch-config": "a/b+c=="}
WORKER = {"ray-node-type": "worker", "ray-node-status": "uninitialized"}


@alone
def test_nodes_come_and_go(cloud: Any) -> None:
    state, api = cloud
    ours = provider(api)
    assert ours.non_terminated_nodes({}) == []
    ours.create_node(NODE, HEAD, 1)
    ours.create_node(NODE, WORKER, 3)
    assert len(state["droplets"]) == 4
    assert all(
        droplet["size"] == "s-4vcpu-8gb" and droplet["region"] == "nyc3" for droplet in state["droplets"].values()
    )

    (rules,) = state["firewalls"].values()  # one, made before the first droplet
    inside, ssh = rules["inbound_rules"][:-1], rules["inbound_rules"][-1]
    assert all(rule["sources"] == {"tags": rules["tags"]} for rule in inside)
    assert (ssh["ports"], ssh["sources"]) == ("22", {"addresses": ["198.51.100.7/32"]})
    assert state["calls"].index(("POST", "/v2/firewalls")) < state["calls"].index(("POST", "/v2/droplets"))

    fresh = provider(api)  # as the head sees it
    (head,) = fresh.non_terminated_nodes({"ray-node-type": "head"})
    workers = fresh.non_terminated_nodes({"ray-node-type": "worker"})
    assert len(workers) == 3
    assert fresh.node_tags(head) == HEAD
    assert (fresh.external_ip(head), fresh.internal_ip(head)) == ("203.0.113.100", "10.1.0.100")
    assert fresh.is_running(head)
    fresh.set_node_tags(workers[0], {"ray-node-status": "up-to-date"})
    assert provider(api).non_terminated_nodes({"ray-node-status": "up-to-date"}) == [workers[0]]
    assert provider(api).node_tags(workers[0]) == {**WORKER, "ray-node-status": "up-to-date"}

    fresh.terminate_nodes([*workers, head])
    fresh.terminate_node(head)  # twice is no error
    assert fresh.is_terminated(head)
    assert provider(api).non_terminated_nodes({}) == []
    fresh.cleanup_cluster_resources()
    assert (state["droplets"], state["firewalls"]) == ({}, {})


@alone
def test_another_cluster_is_not_ours(cloud: Any) -> None:
    state, api = cloud
    state["droplets"]["7"] = {"id": 7, "status": "active", "tags": ["metagenx-other", "ray-node-type:head"]}
    assert provider(api).non_terminated_nodes({}) == []


@alone
def test_errors_are_told_without_the_token(cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    state, api = cloud
    state["failures"] = [500, 429]
    assert provider(api).non_terminated_nodes({}) == []  # asked again
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop_wrong")
    with pytest.raises(InputError, match="Unable to authenticate you") as caught:
        provider(api).non_terminated_nodes({})
    assert "dop_wrong" not in str(caught.value)
    with pytest.raises(InputError, match="over https only"):
        provider("http://api.example.org/v2")
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", "dop_secret")
    with pytest.raises(InputError, match="write a network"):
        provider(api, metagenx={"ssh_from": "me"})._ensure_firewall()


@alone
def test_a_token_that_others_can_read_is_refused(cloud: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from metagenx.cluster.digitalocean import keep_token

    _, api = cloud
    file = tmp_path / "token"
    keep_token(file)
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    monkeypatch.delenv("DIGITALOCEAN_TOKEN")
    file.write_text("dop_secret\n")
    assert provider(api, token_file=str(file)).non_terminated_nodes({}) == []
    file.chmod(0o644)
    with pytest.raises(InputError, match="others can read the token"):
        provider(api, token_file=str(file))
    with pytest.raises(InputError, match="there is no token for DigitalOcean"):
        provider(api, token_file=str(tmp_path / "none"))
