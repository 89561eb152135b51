"""Every mistake of a cluster file that can be found without a cloud: Ray's schema, and what it does not see."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metagenx.cluster.file import ClusterFile, read_cluster_file
from metagenx.meta.mistakes import Mistakes
from metagenx.meta.yaml_lines import KeyPath

# Keys of a node_config that are needed, and those that are known: a misspelt one is dropped, or refused by the cloud
# only when it costs already. The lists are those of the clouds' own requests (EC2 RunInstances, GCP instances.insert,
# Azure's template in Ray, DigitalOcean POST /v2/droplets).


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEEDED = {"aws": "InstanceType", "gcp": "machineType", "azure": "azure_arm_parameters", "external": "size"}
_KNOWN = {
    "aws": _words(
        "BlockDeviceMappings CapacityReservationSpecification CpuOptions CreditSpecification DisableApiTermination "
        "EbsOptimized EnclaveOptions HibernationOptions IamInstanceProfile ImageId InstanceInitiatedShutdownBehavior "
        "InstanceMarketOptions InstanceType KeyName LaunchTemplate MaintenanceOptions MetadataOptions Monitoring "
        "NetworkInterfaces Placement PrivateDnsNameOptions SecurityGroupIds SubnetId SubnetIds TagSpecifications "
        "UserData"
    ),
    "gcp": _words(
        "machineType disks scheduling networkInterfaces serviceAccounts metadata tags labels guestAccelerators "
        "minCpuPlatform confidentialInstanceConfig shieldedInstanceConfig canIpForward sourceMachineImage "
        "advancedMachineFeatures"
    ),
    "azure": frozenset({"azure_arm_parameters"}),
    "external": frozenset({"size", "image", "vpc_uuid", "monitoring"}),
}
_AZURE_NEEDED = ("vmSize", "imagePublisher", "imageOffer", "imageSku", "imageVersion")
_PROVIDERS = ("aws", "gcp", "azure", "local", "external")
_OPEN = re.compile(r"--dashboard-host[= ](?!127\.0\.0\.1|localhost)\S+")


def check_cluster(path: Path) -> ClusterFile:
    """Check a cluster file; returns it.

    Raises
    ------
    FileFormatError : it cannot be read.
    ConfigError : all mistakes, with their lines.
    """
    file = read_cluster_file(path)
    mistakes = Mistakes(file.document)
    if file.kind == "kuberay":
        _check_kuberay(file, mistakes)
    else:
        _check_keys(file, mistakes)
        _check_counts(file, mistakes)
        _check_head(file, mistakes)
        _check_nodes(file, mistakes)
        _check_provider(file, mistakes)
        _check_prices(file, mistakes)
        _check_setup(file, mistakes)
        _check_token(file, mistakes)
        if not mistakes:  # what Ray says of a file that is wrong in our eyes already would say it twice
            _check_schema(file, mistakes)
    if mistakes:
        raise mistakes.error()
    return file


def _check_keys(file: ClusterFile, mistakes: Mistakes) -> None:
    """Keys at the top that Ray does not know; told here, for a missing key is often a misspelt one."""
    import ray.autoscaler

    schema = Path(ray.autoscaler.__file__).with_name("ray-schema.json").read_text(encoding="utf-8")
    known = json.loads(schema)["properties"]
    for key in file.content:
        if key not in known:
            mistakes.unknown((key,), key, known, "is an unknown key to Ray")


def _check_schema(file: ClusterFile, mistakes: Mistakes) -> None:
    """Ray's own schema and rules, as `ray up` applies them."""
    import jsonschema
    from ray.autoscaler._private.util import prepare_config, validate_config

    content = copy.deepcopy(file.content)
    try:
        with _silence():
            validate_config(prepare_config(content))
    except jsonschema.ValidationError as error:
        found: KeyPath = tuple(part for part in error.absolute_path if isinstance(part, str | int))
        unknown = re.findall(r"'([^']+)'", error.message) if error.validator == "additionalProperties" else []
        known = list(_mapping(error.schema).get("properties", {}))
        for name in unknown:
            mistakes.unknown((*found, name), name, known, "is an unknown key to Ray")
        if not unknown:
            mistakes.add(found, f"is refused by Ray: {error.message}")
    except (Exception, SystemExit) as error:
        mistakes.add((), f"is refused by Ray: {_first_line(error)}")


@contextlib.contextmanager
def _silence() -> Any:
    """What Ray's launcher prints while it fills in defaults is not for us."""
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _check_counts(file: ClusterFile, mistakes: Mistakes) -> None:
    limit = file.content.get("max_workers")
    if file.provider != "local" and not isinstance(limit, int):
        mistakes.add(("max_workers",), "is missing: how many worker nodes there may be at once")
        return
    for name, node in file.nodes.items():
        path: KeyPath = ("available_node_types", name)
        if file.provider == "local":
            continue
        if node.minimum > node.maximum:
            mistakes.add((*path, "min_workers"), f"is {node.minimum}, more than its max_workers ({node.maximum})")
        if isinstance(limit, int) and node.maximum > limit:
            mistakes.add((*path, "max_workers"), f"is {node.maximum}, more than the cluster's max_workers ({limit})")
    workers = [node for node in file.nodes.values() if node.name != file.head]
    if not workers or all(node.maximum == 0 for node in workers):
        mistakes.add(("available_node_types",), "has no workers: nothing would ever be fitted")
    if file.provider == "local" and isinstance(limit, int) and limit > sum(node.maximum for node in workers):
        mistakes.add(("max_workers",), f"is {limit}, but there are {sum(n.maximum for n in workers)} worker_ips")


def _check_head(file: ClusterFile, mistakes: Mistakes) -> None:
    head = file.nodes.get(file.head)
    if head is None:
        mistakes.unknown(("head_node_type",), file.head, file.nodes, f'"{file.head}" is not one of the node types')
    elif file.provider != "local":
        path: KeyPath = ("available_node_types", file.head)
        if head.cpus != 0:
            mistakes.add((*path, "resources"), 'must be {"CPU": 0}: the head only schedules, fits would starve it')
        if head.is_spot:
            mistakes.add((*path, "node_config"), "is a spot instance: the run would die with it; only workers may be")
        if head.maximum:
            mistakes.add((*path, "max_workers"), "must be 0: there is one head")


def _check_nodes(file: ClusterFile, mistakes: Mistakes) -> None:
    """What is inside node_config, of which Ray's schema sees nothing."""
    if file.provider not in _KNOWN:
        return
    for name, value in _mapping(file.content.get("available_node_types")).items():
        path: KeyPath = ("available_node_types", name, "node_config")
        config = _mapping(_mapping(value).get("node_config"))
        needed, known = _NEEDED[file.provider], _KNOWN[file.provider]
        if needed not in config and "LaunchTemplate" not in config:
            mistakes.add(path, f"has no {needed}")
        for key in config:
            if key not in known:
                mistakes.unknown((*path, key), key, known, f"is nothing that {file.provider} knows")
        if file.provider == "azure":
            arm = _mapping(config.get("azure_arm_parameters"))
            for key in _AZURE_NEEDED:
                if key not in arm:
                    mistakes.add((*path, "azure_arm_parameters"), f"has no {key}")
        if file.provider == "aws":
            _check_ec2(config, path, mistakes)
        if name != file.head and file.nodes[name].cpus is None:
            mistakes.add(path[:2], "has no resources: {CPU: …}, so the number of its cores is not known here")


def _check_ec2(config: Mapping[str, Any], path: KeyPath, mistakes: Mistakes) -> None:
    machine = str(config.get("InstanceType", ""))
    if machine and not re.fullmatch(r"[a-z][a-z0-9-]*\.[a-z0-9-]+", machine):
        mistakes.add((*path, "InstanceType"), f'"{machine}" is no instance type such as c7i.4xlarge')
    market = config.get("InstanceMarketOptions")
    if market is not None and _mapping(market).get("MarketType") not in ("spot", "capacity-block"):
        mistakes.add((*path, "InstanceMarketOptions"), "must be {MarketType: spot}")
    behaviour = config.get("InstanceInitiatedShutdownBehavior")
    if behaviour != "terminate":
        mistakes.add(
            (*path, "InstanceInitiatedShutdownBehavior"),
            "must be terminate: a node that ends itself would only stop, and its disk cost on",
        )


def _check_provider(file: ClusterFile, mistakes: Mistakes) -> None:
    provider = _mapping(file.content.get("provider"))
    path: KeyPath = ("provider",)
    if file.provider not in _PROVIDERS:
        mistakes.unknown((*path, "type"), file.provider, _PROVIDERS, f'"{file.provider}" is not known here')
        return
    needed = {"aws": "region", "gcp": "project_id", "azure": "resource_group", "local": "head_ip", "external": "module"}
    if not provider.get(needed[file.provider]):
        mistakes.add((*path, needed[file.provider]), "is missing")
    if file.provider in ("aws", "azure") and provider.get("cache_stopped_nodes") is not False:
        mistakes.add((*path, "cache_stopped_nodes"), "must be false: stopped nodes still cost their disks")
    if file.provider == "aws":
        _check_aws(file, provider, mistakes)
    if file.provider == "local" and not isinstance(provider.get("worker_ips"), list):
        mistakes.add((*path, "worker_ips"), "must be a list of addresses")


def _check_aws(file: ClusterFile, provider: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Ray's defaults are ssh for everyone and a role that may do everything with EC2 and S3: neither by accident."""
    types = _mapping(file.content.get("available_node_types"))
    configs = {name: _mapping(_mapping(value).get("node_config")) for name, value in types.items()}
    own = all("SecurityGroupIds" in config for config in configs.values())
    if not own and not _mapping(provider.get("security_group")).get("GroupName"):
        message = "is missing: {GroupName: …} names the cluster's own group; Ray's default opens ssh to everyone"
        mistakes.add(("provider", "security_group"), message)
    if "IpPermissions" in _mapping(provider.get("security_group")):
        mistakes.add(
            ("provider", "security_group"), "opens ports with IpPermissions; give ssh_from in metagenx instead"
        )
    if "IamInstanceProfile" not in configs.get(file.head, {}):
        path: KeyPath = ("available_node_types", file.head, "node_config")
        message = "has no IamInstanceProfile; Ray's default role may do everything with EC2 and S3"
        mistakes.add(path, message)


def _check_prices(file: ClusterFile, mistakes: Mistakes) -> None:
    path: KeyPath = ("provider", "metagenx", "prices_per_hour")
    for name in file.options.prices_per_hour:
        if name not in file.nodes:
            mistakes.unknown((*path, name), name, file.nodes, "is no kind of node of this cluster")


def _check_setup(file: ClusterFile, mistakes: Mistakes) -> None:
    """Where the file says nothing Ray installs what it likes, by the system's pip, which newer systems refuse."""
    if file.provider in ("aws", "gcp", "azure"):
        for key, what in (("setup_commands", "another Ray"), ("head_setup_commands", "the cloud's library")):
            if not isinstance(file.content.get(key), list):
                mistakes.add(
                    (key,), f"must be a list: else Ray installs {what} by the system's pip; [] installs nothing"
                )


def _check_token(file: ClusterFile, mistakes: Mistakes) -> None:
    """Whoever reaches a port of a cluster without a token runs programs there."""
    for key in ("head_start_ray_commands", "worker_start_ray_commands"):
        commands = file.content.get(key)
        if not isinstance(commands, list) or not any("ray start" in str(line) for line in commands):
            mistakes.add((key,), "is missing or starts no Ray; Ray's default starts it without a token")
            continue
        for index, line in enumerate(map(str, commands)):
            if "ray start" in line and "RAY_AUTH_MODE=token" not in line:
                mistakes.add((key, index), "starts Ray without RAY_AUTH_MODE=token: anybody could run programs there")
            if _OPEN.search(line):
                mistakes.add((key, index), "opens the dashboard beyond 127.0.0.1; metagenx reaches it through ssh")
    mounts = _mapping(file.content.get("file_mounts"))
    if not any(str(target).endswith(".ray/auth_token") for target in mounts):
        mistakes.add(("file_mounts",), 'does not bring the token: "~/.ray/auth_token": "~/.ray/auth_token"')


def _check_kuberay(file: ClusterFile, mistakes: Mistakes) -> None:
    spec = _mapping(file.content.get("spec"))
    if not str(file.content.get("apiVersion", "")).startswith("ray.io/"):
        mistakes.add(("apiVersion",), "must be ray.io/v1")
    if not file.name:
        mistakes.add(("metadata",), "has no name")
    if _mapping(spec.get("authOptions")).get("mode") != "token":
        mistakes.add(("spec", "authOptions"), "must be {mode: token}: anybody in the cluster could run programs there")
    if file.nodes["head"].cpus != 0:
        mistakes.add(("spec", "headGroupSpec", "rayStartParams"), 'must have num-cpus: "0": the head only schedules')
    groups = spec.get("workerGroupSpecs")
    if not isinstance(groups, list) or not groups:
        mistakes.add(("spec", "workerGroupSpecs"), "is missing: nothing would ever be fitted")
    for index, group in enumerate(groups if isinstance(groups, list) else []):
        path: KeyPath = ("spec", "workerGroupSpecs", index)
        low, high = _mapping(group).get("minReplicas"), _mapping(group).get("maxReplicas")
        if not isinstance(low, int) or not isinstance(high, int) or not 0 <= low <= high or high == 0:
            mistakes.add(path, f"must have 0 <= minReplicas <= maxReplicas, not {low} and {high}")
        if not _containers(group):
            mistakes.add((*path, "template"), "has no containers")
    for key, group in (("headGroupSpec", spec.get("headGroupSpec")),):
        if not _containers(group):
            mistakes.add(("spec", key, "template"), "has no containers")


def _containers(group: object) -> list[Any]:
    containers = _mapping(_mapping(_mapping(group).get("template")).get("spec")).get("containers")
    return containers if isinstance(containers, list) else []


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
