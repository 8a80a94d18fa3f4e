# etcd, the API server, the controllers, the scheduler, the provisioner of disks and metrics-server, in the network of
# the control plane. Sourced by scripts/kubernetes.
# shellcheck shell=bash disable=SC2154 # set by scripts/kubernetes: cluster, state, parts, programs; by network.sh

# start_control NAME OPTIONS…
start_control() {
    local daemon=$1
    shift
    start_process "$daemon" nsenter --net="$(network_file control)" -- "${CLEAN[@]}" "$programs/$daemon" "$@"
}

# kubectl as administrator. A proxy in the caller's environment does not lead to this network, and the cache in the home
# folder may know an earlier cluster at the same address.
administrate() {
    in_network control env NO_PROXY='*' no_proxy='*' "$programs/kubectl" --kubeconfig="$cluster/pki/admin.conf" \
        --cache-dir="$cluster/kubectl" "$@"
}

api_start() {
    local pki=$cluster/pki client=http://127.0.0.1:2379 peer=http://127.0.0.1:2380
    # Without fsync: the data end with the processes.
    start_control etcd --data-dir="$cluster/etcd" --unsafe-no-fsync --log-level=warn \
        --listen-client-urls="$client" --advertise-client-urls="$client" \
        --listen-peer-urls="$peer" --initial-advertise-peer-urls="$peer" --initial-cluster="default=$peer"
    start_control kube-apiserver --etcd-servers="$client" \
        --bind-address=0.0.0.0 --secure-port=6443 --advertise-address="$CONTROL" \
        --service-cluster-ip-range="$SERVICES" --authorization-mode=Node,RBAC \
        --enable-admission-plugins=NodeRestriction --allow-privileged=true --profiling=false \
        --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
        --client-ca-file="$pki/ca.crt" --service-account-issuer=https://kubernetes.default.svc \
        --service-account-key-file="$pki/accounts.key" --service-account-signing-key-file="$pki/accounts.key" \
        --kubelet-preferred-address-types=InternalIP \
        --kubelet-client-certificate="$pki/apiserver-to-kubelet.crt" \
        --kubelet-client-key="$pki/apiserver-to-kubelet.key" \
        --enable-aggregator-routing --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=aggregator \
        --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
        --requestheader-extra-headers-prefix=X-Remote-Extra- \
        --proxy-client-cert-file="$pki/aggregator.crt" --proxy-client-key-file="$pki/aggregator.key"
    wait_until kube-apiserver 120 api_is_ready
}

# kubectl takes some time of a processor, so that it waits for the port.
api_is_ready() {
    in_network control bash -c '</dev/tcp/127.0.0.1/6443' 2>/dev/null && administrate get --raw=/readyz >/dev/null 2>&1
}

control_plane_start() {
    api_start
    start_control kube-controller-manager --kubeconfig="$cluster/pki/controller-manager.conf" --leader-elect=false \
        --service-account-private-key-file="$cluster/pki/accounts.key" --root-ca-file="$cluster/pki/ca.crt" \
        --use-service-account-credentials --flex-volume-plugin-dir="$cluster/volume-plugins"
    start_control kube-scheduler --kubeconfig="$cluster/pki/scheduler.conf" --leader-elect=false
    start_control disks --kubeconfig="$cluster/pki/helpers.conf" --folder="$cluster/disks"
    # Kubelets make the certificates that they serve with at their start.
    start_control metrics-server --kubeconfig="$cluster/pki/helpers.conf" --secure-port=4443 \
        --authentication-kubeconfig="$cluster/pki/helpers.conf" --authorization-kubeconfig="$cluster/pki/helpers.conf" \
        --cert-dir="$cluster/metrics-server" --kubelet-insecure-tls --kubelet-preferred-address-types=InternalIP \
        --metric-resolution=15s
    administrate apply --server-side --filename="$parts/system.yaml" >"$state/system.log" 2>&1 ||
        fail "the API server does not take $parts/system.yaml: see $state/system.log"
}
