# A node: namespaces of its own, and in them containerd, a kubelet, a kube-proxy, an enforcer of NetworkPolicies and the
# driver of the buckets. Sourced by scripts/kubernetes.
# shellcheck shell=bash disable=SC2154 # set by scripts/kubernetes, and by network.sh
#
# The processes of a node, pods included, are in one pid namespace and one mount namespace. If the first process of
# these is killed, the kernel kills all others and unmounts everything, as if the machine had lost its power.

# The netfilter queue of the enforcer; each network namespace has queues of its own.
QUEUE=100

# node_folder N: writes the configuration of a node.
node_folder() {
    local folder=$cluster/node-$1
    mkdir -p "$folder/cni" "$folder/var/lib" "$folder/var/log" "$folder/var/tmp"
    ln -s /run "$folder/var/run"
    # No name server outside of the cluster.
    : >"$folder/resolv.conf"
    # Addresses are below /run: those of pods that a power failure has ended are free after the next start.
    cat >"$folder/cni/10-pods.conflist" <<CNI
{
  "cniVersion": "0.4.0",
  "name": "pods",
  "plugins": [
    {
      "type": "ptp",
      "mtu": 1500,
      "ipMasq": false,
      "ipam": {
        "type": "host-local",
        "dataDir": "/run/addresses",
        "ranges": [[{"subnet": "$(pods_of_node "$1")"}]],
        "routes": [{"dst": "0.0.0.0/0"}]
      }
    }
  ]
}
CNI
    # The disabled plugin makes a folder in /opt. restrict_oom_score_adj is for root without CAP_SYS_RESOURCE, which may
    # not lower the score by which the kernel chooses processes to kill.
    cat >"$folder/containerd.toml" <<TOML
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$folder/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
TOML
    # Nothing is evicted for want of disk: the nodes share it with everything else on the machine. Kubernetes 1.34 runs
    # with version 1 of control groups if it is told to.
    cat >"$folder/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /$prefix-node-$1
failCgroupV1: false
authentication:
  anonymous:
    enabled: false
  webhook:
    enabled: true
  x509:
    clientCAFile: $cluster/pki/ca.crt
authorization:
  mode: Webhook
clusterDNS: [$DNS_SERVICE]
clusterDomain: cluster.local
resolvConf: $folder/resolv.conf
volumePluginDir: /var/lib/kubelet/volume-plugins
failSwapOn: false
oomScoreAdj: 0
seccompDefault: true
maxPods: 60
serializeImagePulls: false
imageGCHighThresholdPercent: 100
evictionHard:
  memory.available: 200Mi
  nodefs.available: 0%
  nodefs.inodesFree: 0%
  imagefs.available: 0%
  imagefs.inodesFree: 0%
YAML
}

# Prints the folder of each hierarchy of control groups: one with version 2. With version 1 there is one for each
# controller, and one of version 2 without controllers.
cgroup_roots() {
    local folder
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo /sys/fs/cgroup
        return
    fi
    for folder in /sys/fs/cgroup/*; do
        # A link is another name of a hierarchy.
        [ -L "$folder" ] || [ ! -e "$folder/cgroup.procs" ] || echo "$folder"
    done
}

node_cgroups() {
    local root controller
    for root in $(cgroup_roots); do
        if [ -e "$root/cgroup.controllers" ]; then
            for controller in $(<"$root/cgroup.controllers"); do
                echo "+$controller" >"$root/cgroup.subtree_control" || true
            done
        fi
        mkdir -p "$root/$prefix-node-$1"
        # In version 1 a group without processors and memory nodes takes no process.
        if [ -e "$root/cpuset.cpus" ] && [ ! -e "$root/cgroup.controllers" ]; then
            cat "$root/cpuset.cpus" >"$root/$prefix-node-$1/cpuset.cpus"
            cat "$root/cpuset.mems" >"$root/$prefix-node-$1/cpuset.mems"
        fi
    done
}

node_delete_cgroups() {
    local root folder
    for root in $(cgroup_roots); do
        folder=$root/$prefix-node-$1
        wait_for "the end of the control group $folder" 20 "/proc/*/cgroup" delete_cgroup "$folder"
    done
}

# A group can be deleted shortly after its last process has ended.
delete_cgroup() {
    [ ! -d "$1" ] || find "$1" -depth -type d -exec rmdir {} +
}

# in_node N COMMAND…: runs a command in all namespaces of a node.
in_node() {
    local init
    read -r init _ <"$cluster/node-$1/init" || fail "node $1 does not run: scripts/kubernetes node $1 start"
    shift
    nsenter --target="$init" --mount --uts --ipc --net --pid -- "${CLEAN[@]}" "$@"
}

# start_in_node N NAME COMMAND…: the record is that of nsenter, which ends with the command.
start_in_node() {
    local node=$1 daemon=$2 init
    shift 2
    read -r init _ <"$cluster/node-$node/init"
    start_process "$daemon-$node" nsenter --target="$init" --mount --uts --ipc --net --pid -- "${CLEAN[@]}" "$@"
}

# The record is that of unshare: its child is the first process, and is killed with it.
node_boot() {
    start_process "node-$1" nsenter --net="$(network_file "node-$1")" -- \
        unshare --mount --uts --ipc --pid --mount-proc --fork --kill-child -- \
        "${CLEAN[@]}" "$parts/node-init" "$cluster/node-$1" "node-$1" "$programs"
    wait_until "node-$1" 20 node_has_booted "$1"
}

# node-init is done with the mounts when it has become pause.
node_has_booted() {
    local parent init
    read -r parent _ <"$state/node-$1.pid"
    init=$(<"/proc/$parent/task/$parent/children") || return 1
    init=${init%% *}
    [ "$(cat "/proc/$init/comm" 2>/dev/null)" = pause ] || return 1
    echo "$init $(started_at "$init")" >"$cluster/node-$1/init"
}

# node_start N: starts everything of a node whose folder and network are there.
node_start() {
    local node=$1 image
    node_cgroups "$node"
    node_boot "$node"
    start_in_node "$node" containerd containerd --config="$cluster/node-$node/containerd.toml" --log-level=warn
    wait_until "containerd-$node" 60 node_has_containerd "$node"
    for image in pause coredns; do node_import "$node" "$programs/$image.tar"; done
    # The name in manifests for clusters that reach a registry.
    in_node "$node" ctr --namespace=k8s.io images tag --force localhost/pause:1 registry.k8s.io/pause:3.10 >/dev/null
    start_in_node "$node" network-policies /run/programs/network-policies --node="node-$node" --queue="$QUEUE" \
        --kubeconfig="$cluster/pki/policies.conf"
    node_queue_packets "$node"
    # The options about conntrack are for settings that only the machine's own network has.
    start_in_node "$node" kube-proxy /run/programs/kube-proxy --kubeconfig="$cluster/pki/proxy.conf" \
        --hostname-override="node-$node" --proxy-mode=nftables --cluster-cidr="$PODS" \
        --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0 \
        --healthz-bind-address=127.0.0.1:10256 --metrics-bind-address=127.0.0.1:10249
    start_in_node "$node" kubelet /run/programs/kubelet --config="$cluster/node-$node/kubelet.yaml" \
        --kubeconfig="$cluster/pki/node-$node.conf" --hostname-override="node-$node" \
        --node-ip="$(node_address "$node")" --node-labels="topology.kubernetes.io/zone=zone-$node"
    start_in_node "$node" buckets /run/programs/buckets --node="node-$node" --folder="$cluster/buckets"
}

node_has_containerd() {
    in_node "$1" ctr version >/dev/null 2>&1
}

# node_import N FILE: imports an image archive. The file is opened out here: the node does not see all folders. It is
# unpacked by the first pod that needs it: unpacking everywhere takes longer than the rest.
node_import() {
    in_node "$1" timeout 600 ctr --namespace=k8s.io images import --no-unpack - <"$2" >>"$state/images-$1.log" 2>&1 ||
        fail "node $1 cannot import $2: see $state/images-$1.log"
}

# Puts the first packet of each connection from or to a pod of the node into the queue of the enforcer, after the
# address of a Service has become that of a pod. Packets of the node's own processes are allowed: kubelets probe pods.
node_queue_packets() {
    local pods
    pods=$(pods_of_node "$1")
    in_node "$1" sh -e -c "
        iptables --table mangle --flush POSTROUTING
        iptables --table mangle --append POSTROUTING --match owner --uid-owner 0 --jump ACCEPT
        iptables --table mangle --append POSTROUTING --match conntrack --ctstate ESTABLISHED,RELATED --jump ACCEPT
        iptables --table mangle --append POSTROUTING --destination $pods --jump NFQUEUE --queue-num $QUEUE
        iptables --table mangle --append POSTROUTING --source $pods --jump NFQUEUE --queue-num $QUEUE"
}

# node_kill N: kills the first process of a node, and waits until all others have ended. Their control groups go as
# well: a kubelet that finds them tries for a minute to learn about the containers.
node_kill() {
    local node=$1 init start daemon
    kill_process "node-$node"
    if [ -e "$cluster/node-$node/init" ]; then
        read -r init start <"$cluster/node-$node/init"
        wait_for "the end of the processes of node $node" 60 "$state/node-$node.log" is_gone "$init" "$start"
        rm "$cluster/node-$node/init"
    fi
    for daemon in containerd network-policies kube-proxy kubelet buckets; do kill_process "$daemon-$node"; done
    node_delete_cgroups "$node"
}

is_gone() {
    [ "$(started_at "$1")" != "$2" ]
}

node_is_registered() {
    administrate get node "node-$1"
}
