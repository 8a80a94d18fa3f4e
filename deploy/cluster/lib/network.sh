# The network: a switch, and a cable from it to each node and to the balancer. Sourced by scripts/kubernetes.
# shellcheck shell=bash disable=SC2154 # set by scripts/kubernetes: cluster, prefix
#
# Each is a network namespace; no interface of the machine is in any of them, and no route leads out. The addresses
# exist there only.

CONTROL=10.128.0.2
API_SERVICE=10.8.0.1
DNS_SERVICE=10.8.0.10
SERVICES=10.8.0.0/20
PODS=10.4.0.0/16
# Within the range that Google's load balancers and health checks send from: the manifests let it in.
BALANCER=35.191.0.10

node_address() {
    echo "10.128.0.$(($1 + 10))"
}

pods_of_node() {
    echo "10.4.$1.0/24"
}

network_file() {
    echo "/run/netns/$prefix-$1"
}

# in_network PLACE COMMAND…: runs a command in the network of control, balancer or node-N.
# With become=exec it takes the place of this process, so that signals reach it.
in_network() {
    local place=$1
    shift
    ${become:-} nsenter --net="$(network_file "$place")" -- "$@"
}

# Recorded before it is made, for an interrupted start.
network_add() {
    echo "$1" >>"$cluster/networks"
    ip netns add "$prefix-$1" || fail "the network namespace $prefix-$1 cannot be made: has another cluster this name?"
    in_network "$1" ip link set lo up
}

# The network of the control plane. The switch is an interface of it.
network_control() {
    network_add control
    in_network control ip link add switch type bridge
    in_network control ip address add "$CONTROL/24" dev switch
    in_network control ip link set switch up
}

# network_connect PLACE ADDRESS: a network with a cable to the switch, whose interface there has the name of the place.
network_connect() {
    network_add "$1"
    ip link add eth0 netns "$prefix-$1" type veth peer name "$1" netns "$prefix-control"
    in_network "$1" ip address add "$2/24" dev eth0
    in_network "$1" ip link set eth0 up
    in_network control ip link set "$1" master switch up
}

forward_packets() {
    in_network "$1" sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
}

# network_of_nodes NODES: pods are routed by the address of their node, without a tunnel.
network_of_nodes() {
    local node other
    forward_packets control
    in_network control ip route add unreachable default
    network_connect balancer 10.128.0.9
    in_network balancer ip address add "$BALANCER/32" dev eth0
    for node in $(seq "$1"); do
        network_connect "node-$node" "$(node_address "$node")"
        forward_packets "node-$node"
        in_network "node-$node" ip route add default via "$CONTROL"
        in_network "node-$node" ip route add "$BALANCER/32" via 10.128.0.9
        in_network control ip route add "$(pods_of_node "$node")" via "$(node_address "$node")"
        in_network balancer ip route add "$(pods_of_node "$node")" via "$(node_address "$node")" src "$BALANCER"
        for other in $(seq "$1"); do
            [ "$other" -eq "$node" ] ||
                in_network "node-$node" ip route add "$(pods_of_node "$other")" via "$(node_address "$other")"
        done
    done
}

# network_cable N up|down: at the end of the switch, as the node would lose its routes with its own interface.
network_cable() {
    in_network control ip link set "node-$1" "$2"
}

network_delete() {
    local place
    [ -e "$cluster/networks" ] || return 0
    while read -r place; do
        [ ! -e "$(network_file "$place")" ] || ip netns delete "$prefix-$place"
    done <"$cluster/networks"
}
