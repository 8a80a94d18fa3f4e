"""The use of memory and CPU by each container, from its control group."""

import collections
import pathlib

from cluster import FOLDER, get


def groups(controller):
    """Yields the control groups of containers of all nodes: the pod's uid, the container's id, the folder."""
    root = pathlib.Path("/sys/fs/cgroup")
    root = root / controller if (root / controller).exists() else root
    for folder in root.glob(f"{FOLDER.name}-node-*/kubepods/**/pod*/*"):
        if folder.is_dir():
            yield folder.parent.name.removeprefix("pod"), folder.name, folder


def read(folder, *names):
    """Returns the number in the first of these files that is there: versions 1 and 2 have other names."""
    for name in names:
        path = folder / name
        if path.exists():
            return int(path.read_text().split()[0])
    return 0


def anonymous(folder):
    """Returns the memory of a group that is not the cache of files, in bytes."""
    fields = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    return int(fields.get("total_rss", fields.get("anon", 0)))


def containers():
    """Returns, for each container that runs: workload, memory now and at most in MiB, seconds of CPU."""
    names = {}
    for pod in get("pods")["items"]:
        workload = pod["metadata"]["labels"].get("app.kubernetes.io/name", pod["metadata"]["name"])
        for each in pod["status"].get("containerStatuses", []):
            names[each.get("containerID", "").rpartition("/")[2]] = f"{workload}/{each['name']}"
    found = collections.defaultdict(dict)
    for _, container, folder in groups("memory"):
        found[container]["memory"] = anonymous(folder) / 2**20
        found[container]["most"] = read(folder, "memory.max_usage_in_bytes", "memory.peak") / 2**20
    for _, container, folder in groups("cpuacct"):
        stat = folder / "cpu.stat"
        nanoseconds = read(folder, "cpuacct.usage")
        if not nanoseconds and stat.exists():
            nanoseconds = 1000 * int(dict(line.split() for line in stat.read_text().splitlines()).get("usage_usec", 0))
        found[container]["cpu"] = nanoseconds / 1e9
    return [{"workload": names[each], "container": each, **values} for each, values in found.items() if each in names]


def table(before, after, seconds):
    """Returns lines of a table: the most of each workload's containers, CPU over an interval."""
    spent = {each["container"]: each.get("cpu", 0) for each in before}
    rows = collections.defaultdict(list)
    for each in after:
        rows[each["workload"]].append((each["memory"], each["most"], (each["cpu"] - spent.get(each["container"], 0)) / seconds))
    lines = [f"{'container':32} {'memory MiB':>10} {'most MiB':>10} {'CPU':>6}"]
    for workload, values in sorted(rows.items()):
        memory, most, cpu = (max(column) for column in zip(*values))
        lines.append(f"{workload:32} {memory:10.0f} {most:10.0f} {cpu:6.2f}")
    return lines
