# The mesh's authority and the certificate of its processes, by openssl. Sourced by up.
# shellcheck shell=bash disable=SC2154 # set by up: dry

MESH_DAYS=365

# Creates the Secret score-mesh. The key of the authority is not kept: nothing gets another certificate of it, and each
# new certificate has a new authority.
mesh_secret() {
    say "+ openssl: an authority and a certificate for $MESH_DAYS days, in a folder that is deleted again"
    if [ -n "$dry" ]; then
        secret score-mesh ca.crt "" tls.crt "" tls.key ""
        return
    fi
    local work
    work=$(mktemp -d)
    if ! (mesh_files "$work") 2>"$work/log"; then
        cat "$work/log" >&2
        rm -r "$work"
        fail "openssl cannot make the certificates, as told above"
    fi
    secret score-mesh ca.crt "$(cat "$work/ca.crt")" tls.crt "$(cat "$work/tls.crt")" tls.key "$(cat "$work/tls.key")"
    rm -r "$work"
}

# The same names, keys and usages as in gke/google/mesh-certificates.yaml.
mesh_files() {
    set -e
    cd "$1"
    cat >openssl.cnf <<'CONF'
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[process]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectAltName = @names
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[names]
DNS.1 = delaycast-mesh
DNS.2 = *.score-headless.delaycast.svc
DNS.3 = *.score-headless.delaycast.svc.cluster.local
CONF
    openssl req -x509 -config openssl.cnf -extensions authority -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
        -sha256 -subj "/CN=delaycast mesh authority" -days "$MESH_DAYS" -keyout ca.key -out ca.crt
    openssl req -new -config openssl.cnf -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
        -subj "/CN=delaycast-mesh" -keyout tls.key -out tls.csr
    openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -sha256 -days "$MESH_DAYS" \
        -extfile openssl.cnf -extensions process -out tls.crt
}
