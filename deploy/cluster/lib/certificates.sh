# Certificates and kubeconfigs. Sourced by scripts/kubernetes.
# shellcheck shell=bash disable=SC2154 # set by scripts/kubernetes: cluster, state; by network.sh: CONTROL, API_SERVICE

CERTIFICATE_DAYS=30
# By which pods find the API server.
API_NAMES=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local

# certificates NODES: an authority, a key pair for each client of the API, and its kubeconfig. The subject of a
# certificate is the user (CN) and the group (O) for the API server.
certificates() {
    local node
    mkdir -m 700 "$cluster/pki"
    (
        umask 077
        cd "$cluster/pki"
        new_key ca
        openssl req -x509 -new -key ca.key -subj /CN=delaycast-kubernetes -days "$CERTIFICATE_DAYS" -out ca.crt \
            -addext keyUsage=critical,keyCertSign,cRLSign
        # Tokens of service accounts are signed by it.
        openssl genrsa -out accounts.key 2048
        certificate apiserver /CN=kube-apiserver "IP:$CONTROL,IP:$API_SERVICE,$API_NAMES"
        certificate apiserver-to-kubelet /O=system:masters/CN=kube-apiserver
        certificate admin /O=system:masters/CN=administrator
        certificate controller-manager /CN=system:kube-controller-manager
        certificate scheduler /CN=system:kube-scheduler
        certificate proxy /CN=system:kube-proxy
        certificate policies /CN=network-policies
        # disks and metrics-server, beside the API server.
        certificate helpers /O=system:masters/CN=helpers
        certificate aggregator /CN=aggregator
        for client in admin controller-manager scheduler proxy policies helpers; do kubeconfig "$client"; done
        for node in $(seq "$1"); do
            certificate "node-$node" "/O=system:nodes/CN=system:node:node-$node"
            kubeconfig "node-$node"
        done
    ) >"$state/certificates.log" 2>&1
}

new_key() {
    openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
}

# certificate NAME SUBJECT [NAMES]
certificate() {
    local extensions=extendedKeyUsage=clientAuth,serverAuth
    new_key "$1"
    openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days "$CERTIFICATE_DAYS" -out "$1.crt" \
        -extfile <(echo "$extensions${3:+$'\n'subjectAltName=$3}")
}

# The cluster, the user and the context have the name `local`.
kubeconfig() {
    cat >"$1.conf" <<CONF
apiVersion: v1
kind: Config
clusters:
  - name: local
    cluster:
      server: https://$CONTROL:6443
      certificate-authority-data: $(base64 --wrap=0 ca.crt)
users:
  - name: local
    user:
      client-certificate-data: $(base64 --wrap=0 "$1.crt")
      client-key-data: $(base64 --wrap=0 "$1.key")
contexts:
  - name: local
    context:
      cluster: local
      user: local
current-context: local
CONF
}
