"""Our own security group and role on AWS, made before Ray makes its wide ones.

Ray opens ssh to everyone and gives the head a role that may do everything with EC2 and S3. It uses a group of the name
that the cluster file gives as it is, if it has rules already, and the role that the head's node_config names. So both
are made here, narrow, before `ray up`.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from metagenx.cluster.file import ClusterFile
from metagenx.errors import InputError

Say = Callable[[str], None]
SETTLE_SECONDS = 10.0  # until a new profile is known everywhere at AWS


def prepare(file: ClusterFile, say: Say, *, settle: float = SETTLE_SECONDS) -> None:
    """Make the role and the security group that a cluster file names, if they are not there.

    Raises
    ------
    InputError : no credentials or rights; or a group of that name is open to the world.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    provider = file.content["provider"]
    try:
        session = boto3.session.Session(region_name=provider["region"])
        _role(session.client("iam"), file, say, settle)
        _group(session.client("ec2"), file, say)
    except (BotoCoreError, ClientError) as error:
        raise InputError(
            f"AWS refuses: {error}",
            where=str(file.path),
            hint="Are your credentials there and valid (aws sts get-caller-identity)? They need rights for EC2, "
            "and for IAM the first time.",
        ) from error


def policy(file: ClusterFile) -> dict[str, Any]:
    """What the head may do: look, start and end instances that carry this cluster's name; nothing else."""
    name = file.name
    ours = {"StringEquals": {"aws:ResourceTag/ray-cluster-name": name}}
    new = {"StringEquals": {"aws:RequestTag/ray-cluster-name": name}}
    region = {"StringEquals": {"aws:RequestedRegion": file.content["provider"]["region"]}}
    others = ("image/*", "subnet/*", "network-interface/*", "security-group/*", "key-pair/*", "volume/*")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Look", "Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
            {
                "Sid": "StartOurs",
                "Effect": "Allow",
                "Action": "ec2:RunInstances",
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"StringEquals": {**new["StringEquals"], **region["StringEquals"]}},
            },
            {
                "Sid": "WithWhatTheyNeed",
                "Effect": "Allow",
                "Action": "ec2:RunInstances",
                "Resource": [f"arn:aws:ec2:*:*:{kind}" for kind in others]
                + ["arn:aws:ec2:*::image/*", "arn:aws:ec2:*:*:spot-instances-request/*"],
                "Condition": region,
            },
            {
                "Sid": "NameOurs",
                "Effect": "Allow",
                "Action": "ec2:CreateTags",
                "Resource": "arn:aws:ec2:*:*:*/*",
                "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}},
            },
            {
                "Sid": "RenameAndEndOurs",
                "Effect": "Allow",
                "Action": ["ec2:CreateTags", "ec2:TerminateInstances", "ec2:StopInstances"],
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": ours,
            },
        ],
    }


def _role(iam: Any, file: ClusterFile, say: Say, settle: float) -> None:
    head = file.content["available_node_types"][file.head]["node_config"]
    profile = head.get("IamInstanceProfile", {}).get("Name")
    if not profile:  # an Arn: a role of the user's own
        return
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(
            RoleName=profile,
            AssumeRolePolicyDocument=json.dumps(trust),
            Description="The head of metagenx clusters: may start and end their workers, and nothing else",
            Tags=[{"Key": "metagenx", "Value": file.name}],
        )
    # Put again each time: one inline policy for each cluster, as narrow as this version knows.
    iam.put_role_policy(RoleName=profile, PolicyName=f"metagenx-{file.name}", PolicyDocument=json.dumps(policy(file)))
    is_new = False
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_instance_profile(InstanceProfileName=profile)
        is_new = True
    with contextlib.suppress(iam.exceptions.LimitExceededException):  # one role for each profile, and it has it
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=profile)
        is_new = True
    if is_new:
        say(f"made the role {profile}: it may start and end instances of {file.name}")
        time.sleep(settle)


def _group(ec2: Any, file: ClusterFile, say: Say) -> None:
    types = file.content["available_node_types"].values()
    if all("SecurityGroupIds" in kind["node_config"] for kind in types):
        return
    name = file.content["provider"]["security_group"]["GroupName"]
    for network in _networks(ec2, file):
        filters = [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": [name]}]
        found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
        if found:
            group, rules = found[0]["GroupId"], found[0]["IpPermissions"]
        else:
            tags = [{"Key": "metagenx", "Value": file.name}, {"Key": "ray-cluster-name", "Value": file.name}]
            group = ec2.create_security_group(
                GroupName=name,
                Description="metagenx: members talk to each other, ssh from one address",
                VpcId=network,
                TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
            )["GroupId"]
            rules = []
        _rules(ec2, file, name, group, rules, say)


def _rules(ec2: Any, file: ClusterFile, name: str, group: str, rules: list[dict[str, Any]], say: Say) -> None:
    """Members reach each other on all ports, ssh is open to one address; what is open to the world is an error."""
    if file.options.ssh_from != "everyone":
        for rule in rules:
            if any(item.get("CidrIp") == "0.0.0.0/0" for item in rule.get("IpRanges", ())):
                raise InputError(
                    f"the security group {name} ({group}) is open to everyone",
                    where=str(file.path),
                    hint="Ray made it like that. Delete it (no cluster may run), or name another as GroupName; "
                    "ssh_from: everyone allows it.",
                )
    source = ssh_source(file)
    wanted: list[dict[str, Any]] = [
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": source, "Description": "ssh"}]},
    ]
    has_members = any(pair.get("GroupId") == group for rule in rules for pair in rule.get("UserIdGroupPairs", ()))
    has_ssh = any(item.get("CidrIp") == source for rule in rules for item in rule.get("IpRanges", ()))
    missing = [rule for rule, there in zip(wanted, (has_members, has_ssh), strict=True) if not there]
    if missing:
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=missing)
        say(f"security group {name}: its members talk to each other, ssh from {source}")


def ssh_source(file: ClusterFile) -> str:
    """The network that may ssh to the nodes.

    Raises
    ------
    InputError : it is this machine's address outside, and that cannot be found out.
    """
    chosen = file.options.ssh_from
    if chosen == "everyone":
        return "0.0.0.0/0"
    if chosen != "me":
        return chosen
    with contextlib.suppress(OSError, ValueError):
        import ipaddress

        with urllib.request.urlopen("https://checkip.amazonaws.com", timeout=10) as page:
            return f"{ipaddress.ip_address(page.read(64).decode().strip())}/32"
    raise InputError(
        "the address that this machine has outside cannot be found out",
        where=str(file.path),
        hint="Write it into provider.metagenx: ssh_from: 192.0.2.17/32",
    )


def _networks(ec2: Any, file: ClusterFile) -> set[str]:
    """The networks (VPCs) that Ray may choose: those of the given subnets, else the default one, else all."""
    subnets = {
        subnet
        for kind in file.content["available_node_types"].values()
        for subnet in kind["node_config"].get("SubnetIds", ())
    }
    if subnets:
        found = ec2.describe_subnets(SubnetIds=sorted(subnets))["Subnets"]
        return {subnet["VpcId"] for subnet in found}
    networks = ec2.describe_vpcs()["Vpcs"]
    default = {network["VpcId"] for network in networks if network.get("IsDefault")}
    return default or {network["VpcId"] for network in networks}


def prices(file: ClusterFile) -> dict[str, float]:
    """What the kinds of nodes cost now, by the spot price history and AWS's price list; those that it tells."""
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    region, found = file.content["provider"]["region"], {}
    for name, node in file.nodes.items():
        with contextlib.suppress(BotoCoreError, ClientError, LookupError, ValueError):
            if node.is_spot:
                history = boto3.client("ec2", region_name=region).describe_spot_price_history(
                    InstanceTypes=[node.machine], ProductDescriptions=["Linux/UNIX"], MaxResults=20
                )["SpotPriceHistory"]
                found[name] = max(float(item["SpotPrice"]) for item in history)
            else:
                found[name] = _on_demand(boto3.client("pricing", region_name="us-east-1"), node.machine, region)
    return found


def _on_demand(pricing: Any, machine: str, region: str) -> float:
    wanted = {
        "instanceType": machine, "regionCode": region, "operatingSystem": "Linux", "tenancy": "Shared",
        "preInstalledSw": "NA", "capacitystatus": "Used",
    }  # fmt: skip
    filters = [{"Type": "TERM_MATCH", "Field": key, "Value": value} for key, value in wanted.items()]
    product = json.loads(pricing.get_products(ServiceCode="AmazonEC2", Filters=filters)["PriceList"][0])
    term = next(iter(product["terms"]["OnDemand"].values()))
    return float(next(iter(term["priceDimensions"].values()))["pricePerUnit"]["USD"])
