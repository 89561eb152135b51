"""The child of test_aws.py: ``aws_child.py CLUSTER_FILE [open]``; refuses to run where there is a network."""

from __future__ import annotations

import json
import sys
from pathlib import Path

REFUSAL = "refusing: this process can reach other machines"


def refuse_where_there_is_a_network() -> None:
    cards = {line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}
    routes = Path("/proc/net/route").read_text().splitlines()[1:]
    if cards - {"lo"} or routes:
        raise SystemExit(REFUSAL)


def main() -> None:
    refuse_where_there_is_a_network()
    import boto3
    import botocore.client
    from moto import mock_aws

    from metagenx.cluster import aws
    from metagenx.cluster.check import check_cluster
    from metagenx.errors import InputError

    calls: list[str] = []
    original = botocore.client.BaseClient._make_api_call

    def noted(self, name, arguments):  # type: ignore[no-untyped-def]
        calls.append(name)
        return original(self, name, arguments)

    botocore.client.BaseClient._make_api_call = noted
    text = Path(sys.argv[1]).read_text(encoding="utf-8").replace("ssh_from: me ", "ssh_from: 198.51.100.7/32 ")
    place = Path.home() / "cluster.yaml"
    place.write_text(text, encoding="utf-8")
    file = check_cluster(place)
    with mock_aws():
        ec2, iam = boto3.client("ec2"), boto3.client("iam")
        if sys.argv[2:] == ["open"]:
            vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
            group = ec2.create_security_group(GroupName="metagenx", Description="as Ray makes it", VpcId=vpc)["GroupId"]
            rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
            ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
            try:
                aws.prepare(file, print, settle=0.0)
            except InputError as error:
                print(json.dumps({"refused": str(error)}))
            return
        for _ in range(2):
            aws.prepare(file, print, settle=0.0)
        print(json.dumps(started_and_ended(file, ec2, iam, calls)))


def started_and_ended(file, ec2, iam, calls) -> dict[str, object]:  # type: ignore[no-untyped-def]
    """Let Ray fill in the file and start nodes as its launcher and its autoscaler do; end them; what there was."""
    from ray.autoscaler._private.aws import config as ray_aws
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler._private.util import prepare_config

    from metagenx.cluster.launcher import nodes

    ray_aws.time.sleep = lambda seconds: None
    content = json.loads(json.dumps(file.content))
    image = ec2.describe_images()["Images"][0]["ImageId"]  # moto knows none of the newest
    for kind in content["available_node_types"].values():
        kind["node_config"]["ImageId"] = image
    config = AWSNodeProvider.bootstrap_config(prepare_config(content))
    provider = AWSNodeProvider(config["provider"], config["cluster_name"])
    for name in ("head", "worker", "worker"):  # one by one: moto starts one spot instance, whatever is asked for
        settings = dict(config["available_node_types"][name]["node_config"])
        tags = {
            "ray-node-type": name,
            "ray-user-node-type": name,
            "ray-node-status": "up-to-date",
            "ray-node-name": name,
        }
        provider.create_node(settings, tags, 1)
    found = {
        "groups": [
            {"name": group["GroupName"], "open to": sorted(map(opened, group["IpPermissions"]))}
            for group in ec2.describe_security_groups()["SecurityGroups"]
            if group["GroupName"] != "default"
        ],
        "policies": [
            iam.get_role_policy(RoleName="metagenx-head", PolicyName=name)["PolicyDocument"]
            for name in iam.list_role_policies(RoleName="metagenx-head")["PolicyNames"]
        ],
        "managed policies": iam.list_attached_role_policies(RoleName="metagenx-head")["AttachedPolicies"],
        "instances": sorted(alive(ec2), key=lambda item: item["type"], reverse=True),
    }
    before = nodes(file)
    assert sorted(before.values()) == ["head", "worker", "worker"], before
    provider.terminate_nodes(list(before))
    found |= {"left": alive(ec2), "nodes after down": nodes(file), "calls": calls}
    return found


def opened(rule):  # type: ignore[no-untyped-def]
    to = [item["CidrIp"] for item in rule.get("IpRanges", ())] or ["members" for _ in rule.get("UserIdGroupPairs", ())]
    return [str(rule.get("FromPort", "all")), str(rule.get("ToPort", "all")), *to]


def alive(ec2):  # type: ignore[no-untyped-def]
    found = []
    for reservation in ec2.describe_instances()["Reservations"]:
        for item in reservation["Instances"]:
            if item["State"]["Name"] in ("pending", "running"):
                found.append(
                    {
                        "type": item["InstanceType"],
                        "market": item.get("InstanceLifecycle"),
                        "profile": item.get("IamInstanceProfile", {}).get("Arn", "/").rpartition("/")[2] or None,
                        "groups": sorted(group["GroupName"] for group in item["SecurityGroups"]),
                        "tags": {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())},
                    }
                )
    return found


if __name__ == "__main__":
    main()
