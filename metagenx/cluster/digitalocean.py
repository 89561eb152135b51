"""A node provider of Ray for DigitalOcean, on its public API (https://docs.digitalocean.com/reference/api).

Ray has none. The nodes of a cluster are the droplets that carry its tag; what Ray notes about a node are further
tags. A firewall of the cluster's own lets its members reach each other and ssh in from ``ssh_from``; it goes with it.
"""

from __future__ import annotations

import json
import os
import re
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray.autoscaler.node_provider import NodeProvider

from metagenx.errors import InputError, ResourcesSpent

API = "https://api.digitalocean.com/v2"
TOKEN = "DIGITALOCEAN_TOKEN"
PAGE = 200
SECONDS = 30
_GONE = ("archive",)


class DropletProvider(NodeProvider):  # type: ignore[misc]
    """Droplets as nodes; see :class:`ray.autoscaler.node_provider.NodeProvider` for what each method means."""

    def __init__(self, provider_config: dict[str, Any], cluster_name: str) -> None:
        super().__init__(provider_config, cluster_name)
        self._api = Api(provider_config.get("api", API), _token(provider_config))
        self._tag = _text(f"metagenx-{cluster_name}")
        self._known: dict[str, dict[str, Any]] = {}

    def non_terminated_nodes(self, tag_filters: Mapping[str, str]) -> list[str]:
        """Droplets of this cluster with these tags."""
        droplets = self._api.all(f"/droplets?tag_name={self._tag}", "droplets")
        self._known = {str(item["id"]): item for item in droplets if item.get("status") not in _GONE}
        wanted = tag_filters.items()
        return [node for node in self._known if wanted <= self.node_tags(node).items()]

    def is_running(self, node_id: str) -> bool:
        """Whether it is switched on."""
        return bool(self._droplet(node_id).get("status") == "active")

    def is_terminated(self, node_id: str) -> bool:
        """Whether it is gone."""
        return node_id not in self._known and not self._api.exists(f"/droplets/{node_id}")

    def node_tags(self, node_id: str) -> dict[str, str]:
        """What Ray has noted about it."""
        return dict(pair for tag in self._droplet(node_id).get("tags", ()) if (pair := _from_tag(tag)))

    def external_ip(self, node_id: str) -> str | None:  # type: ignore[override]
        """Its public address, None until it has one."""
        return self._address(node_id, "public")

    def internal_ip(self, node_id: str) -> str | None:  # type: ignore[override]
        """Its address in the private network, None until it has one."""
        return self._address(node_id, "private")

    def create_node(self, node_config: dict[str, Any], tags: dict[str, str], count: int) -> dict[str, Any]:
        """Make droplets; returns them by id."""
        self._ensure_firewall()
        labels = [self._tag, *(_to_tag(key, value) for key, value in tags.items())]
        made: dict[str, Any] = {}
        for _ in range(count):
            wanted = {
                "name": f"{self._tag}-{uuid.uuid4().hex[:8]}",
                "region": self.provider_config["region"],
                "ssh_keys": [self.provider_config["ssh_key_fingerprint"]],
                "tags": labels,
                "monitoring": False,
                **node_config,
            }
            droplet = self._api.call("POST", "/droplets", wanted)["droplet"]
            made[str(droplet["id"])] = droplet
        self._known |= made
        return made

    def set_node_tags(self, node_id: str, tags: dict[str, str]) -> None:
        """Note something about a node."""
        resources = {"resources": [{"resource_id": node_id, "resource_type": "droplet"}]}
        before = self.node_tags(node_id)
        for key, value in tags.items():
            if key in before and before[key] != value:
                self._api.call("DELETE", f"/tags/{_to_tag(key, before[key])}/resources", resources)
            if before.get(key) != value:
                self._api.call("POST", "/tags", {"name": _to_tag(key, value)})
                self._api.call("POST", f"/tags/{_to_tag(key, value)}/resources", resources)
        droplet = self._known.get(node_id)
        if droplet is not None:
            droplet["tags"] = [self._tag, *(_to_tag(*pair) for pair in {**before, **tags}.items())]

    def terminate_node(self, node_id: str) -> None:
        """Delete a droplet with its disk; one that is gone is no error."""
        self._api.call("DELETE", f"/droplets/{node_id}", missing_is_fine=True)
        self._known.pop(node_id, None)

    def cleanup_cluster_resources(self) -> None:
        """Delete what the cluster had beside droplets: its firewall."""
        for firewall in self._firewalls():
            self._api.call("DELETE", f"/firewalls/{firewall['id']}", missing_is_fine=True)

    @staticmethod
    def bootstrap_config(cluster_config: dict[str, Any]) -> dict[str, Any]:
        """Nothing is filled in: the file says all."""
        return cluster_config

    def _droplet(self, node_id: str) -> dict[str, Any]:
        if node_id not in self._known:
            self._known[node_id] = self._api.call("GET", f"/droplets/{node_id}")["droplet"]
        return self._known[node_id]

    def _address(self, node_id: str, kind: str) -> str | None:
        for attempt in range(2):
            for network in self._droplet(node_id).get("networks", {}).get("v4", ()):
                if network.get("type") == kind:
                    return str(network["ip_address"])
            if attempt == 0:
                self._known.pop(node_id, None)  # it had none when we last looked
        return None

    def _firewalls(self) -> list[dict[str, Any]]:
        return [item for item in self._api.all("/firewalls", "firewalls") if item.get("name") == self._tag]

    def _ensure_firewall(self) -> None:
        """The cluster's own firewall, before its first droplet."""
        if self._firewalls():
            return
        self._api.call("POST", "/tags", {"name": self._tag})
        members = {"tags": [self._tag]}
        everywhere = {"addresses": ["0.0.0.0/0", "::/0"]}
        ours = [{"protocol": kind, "ports": "all", "sources": members} for kind in ("tcp", "udp")]
        ssh = {"protocol": "tcp", "ports": "22", "sources": {"addresses": [_ssh_source(self.provider_config)]}}
        out = [{"protocol": kind, "ports": "all", "destinations": everywhere} for kind in ("tcp", "udp")]
        wanted = {"name": self._tag, "tags": [self._tag], "inbound_rules": [*ours, ssh], "outbound_rules": out}
        self._api.call("POST", "/firewalls", wanted)


class Api:
    """DigitalOcean's API, spoken to with a token that appears in no message."""

    def __init__(self, address: str, token: str) -> None:
        if not address.startswith("https://") and not re.match(r"http://127\.0\.0\.1[:/]", address):
            raise InputError("the token goes over https only", where=address)
        self._address, self._token = address, token

    def call(
        self, method: str, path: str, content: Mapping[str, Any] | None = None, *, missing_is_fine: bool = False
    ) -> dict[str, Any]:
        """One request; raises InputError for what is refused, ResourcesSpent when nothing answers."""
        data = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._address + path, data=data, method=method, headers=headers)
        for attempt in range(5):
            try:
                with urllib.request.urlopen(request, timeout=SECONDS) as answer:
                    text = answer.read()
                    return dict(json.loads(text)) if text else {}
            except urllib.error.HTTPError as error:
                if error.code == 404 and missing_is_fine:
                    return {}
                if error.code == 429 or error.code >= 500:  # too many requests, or their fault
                    time.sleep(2.0**attempt)
                    continue
                raise InputError(f"DigitalOcean refuses {method} {path}: {_reason(error)}") from None
            except OSError as error:
                if attempt == 4:
                    raise ResourcesSpent(f"DigitalOcean does not answer: {error}") from None
                time.sleep(2.0**attempt)
        raise ResourcesSpent(f"DigitalOcean does not do {method} {path}")

    def exists(self, path: str) -> bool:
        """Whether there is something."""
        return bool(self.call("GET", path, missing_is_fine=True))

    def all(self, path: str, name: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        found: list[dict[str, Any]] = []
        separator = "&" if "?" in path else "?"
        for page in range(1, 1000):
            answer = self.call("GET", f"{path}{separator}per_page={PAGE}&page={page}")
            found += answer.get(name, [])
            if "next" not in answer.get("links", {}).get("pages", {}):
                break
        return found


def keep_token(file: Path) -> None:
    """Write the token of the environment where the cluster file expects it, readable by its owner only."""
    token = os.environ.get(TOKEN, "").strip()
    file = file.expanduser()
    if token and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(token)


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read()).get("message", error.reason))
    except ValueError:
        return str(error.reason)


def _token(config: Mapping[str, Any]) -> str:
    if os.environ.get(TOKEN):
        return os.environ[TOKEN].strip()
    file = Path(str(config.get("token_file", "~/.metagenx/digitalocean_token"))).expanduser()
    try:
        if file.stat().st_mode & 0o077:
            raise InputError("others can read the token", where=str(file), hint=f"chmod 600 {file}")
        return file.read_text(encoding="ascii").strip()
    except OSError:
        raise InputError(f"there is no token for DigitalOcean: set {TOKEN}, or write {file} (chmod 600)") from None


def _ssh_source(config: Mapping[str, Any]) -> str:
    """Who may ssh in; `metagenx cluster up` has put this machine's address in place of ``me``."""
    chosen = str(config.get("metagenx", {}).get("ssh_from", "me"))
    if chosen == "everyone":
        return "0.0.0.0/0"
    if chosen == "me":
        raise InputError("ssh_from: me is resolved by metagenx cluster up; write a network such as 192.0.2.7/32")
    return chosen


# Tags may hold letters, digits, colons, dashes and underscores; Ray's notes hold more. "key:value", each escaped.
def _to_tag(key: str, value: str) -> str:
    return f"{_text(key)}:{_text(value)}"


def _from_tag(tag: str) -> tuple[str, str] | None:
    key, colon, value = tag.partition(":")
    return (_plain(key), _plain(value)) if colon else None


def _text(text: str) -> str:
    return "".join(c if c.isascii() and (c.isalnum() or c == "-") else f"_{ord(c):02x}_" for c in text)


def _plain(text: str) -> str:
    return re.sub(r"_([0-9a-f]+)_", lambda match: chr(int(match.group(1), 16)), text)
