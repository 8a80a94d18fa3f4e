# Checks of each image by itself. Sourced by deploy/images/smoke.
# shellcheck shell=bash disable=SC2154,SC2329 # set by the script: state; check calls functions by name

SIZE_MAX_MB=60
# As on Kubernetes.
RESTRICTED=(--read-only --cap-drop ALL --security-opt no-new-privileges:true)
# No host has these names, so the program waits for log and store.
NOWHERE=(--env "DELAYCAST_LOG_URL=kafka://nowhere:9092"
    --env "DELAYCAST_STORE_URL=mongodb://nowhere:27017/agile_data_science")

check_containers() {
    local name
    for name in score web train; do
        check "$name: has at most $SIZE_MAX_MB MB" has_size "$name"
        check "$name: is user 65532, and has no shell" is_bare "$name"
    done
    check "the program has no debug tables, and the file beside it has them" has_debug_file
    check "train: publishes a model from a read-only root, without capabilities" trains
    check "score: is alive, without capabilities, and without log, store and model" is_alive score
    check "web: is alive in the same way" is_alive web
    check "the bundle of certificate authorities is there" has_authorities
    certificates
    check "Kafka serves by TLS" kafka_by_tls
    check "TLS: a broker of an unknown authority is refused" broker_is_refused
    check "TLS: it is accepted, if its authority is in the bundle" broker_is_accepted
    docker rm --force kafka >/dev/null
    check "MongoDB serves with passwords, as user 999 and from a read-only root" mongo_with_password
    check "MongoDB: a wrong password is refused" store_is refused wrong
    check "MongoDB: no password is refused" store_is refused
    check "MongoDB: the password is accepted" store_is accepted right
    check "MongoDB: also after a restart" store_is_accepted_again
    docker rm --force --volumes mongo >/dev/null
}

has_size() {
    local bytes
    bytes=$(docker image inspect --format '{{.Size}}' "delaycast-$1:local")
    echo "$((bytes / 1000000)) MB"
    [ "$bytes" -le $((SIZE_MAX_MB * 1000000)) ]
}

is_bare() {
    local container files
    [ "$(docker image inspect --format '{{.Config.User}}' "delaycast-$1:local")" = 65532:65532 ] || return
    container=$(docker create "delaycast-$1:local")
    files=$(docker export "$container" | tar --list)
    docker rm "$container" >/dev/null
    grep --quiet --line-regexp usr/local/bin/delaycast <<<"$files" || return
    if grep --extended-regexp '(^|/)(sh|bash|dash|busybox)$' <<<"$files"; then return 1; fi
}

# Both have the same build id, by which debuggers match them.
has_debug_file() {
    local program=$state/program/delaycast debug=$state/program/delaycast.debug
    if readelf --sections --wide "$program" | grep --extended-regexp '\.debug_(info|line) '; then return 1; fi
    readelf --sections --wide "$program" | grep --quiet --fixed-strings .gnu_debuglink || return
    readelf --sections --wide "$debug" | grep --quiet --fixed-strings .debug_line || return
    echo "$(($(stat --format=%s "$program") / 1000000)) MB, $(($(stat --format=%s "$debug") / 1000000)) MB"
    [ -n "$(build_id "$program")" ] && [ "$(build_id "$program")" = "$(build_id "$debug")" ]
}

build_id() {
    readelf --notes "$1" | sed -n 's/ *Build ID: //p'
}

trains() {
    docker run --rm "${RESTRICTED[@]}" --volume models:/models delaycast-train:local >&2 || return
    docker run --rm "${RESTRICTED[@]}" --volume models:/models:ro delaycast-train:local models list >&2
}

address_of() {
    docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$1"
}

# Prints the time from before `docker run` to the first answer of /livez.
is_alive() {
    local began=${EPOCHREALTIME/./} address now running=1
    docker run --detach --name "$1" "${RESTRICTED[@]}" "${NOWHERE[@]}" "delaycast-$1:local" >/dev/null
    address=$(address_of "$1")
    until in_docker_network curl --silent --fail --max-time 1 --output /dev/null "http://$address:9090/livez"; do
        now=${EPOCHREALTIME/./}
        if [ $((now - began)) -gt 20000000 ]; then
            running=0
            break
        fi
    done
    now=${EPOCHREALTIME/./}
    docker logs "$1" >&2
    docker rm --force "$1" >/dev/null
    echo "$(((now - began) / 1000)) ms"
    [ "$running" = 1 ]
}

has_authorities() {
    local container count
    container=$(docker create delaycast-score:local)
    docker cp --quiet "$container:/etc/ssl/certs/ca-certificates.crt" "$state/authorities.crt"
    docker rm "$container" >/dev/null
    count=$(grep --count --fixed-strings "BEGIN CERTIFICATE" "$state/authorities.crt")
    echo "$count"
    [ "$count" -gt 100 ]
}

# An authority, and a broker's certificate of it.
certificates() {
    local folder=$state/certificates
    mkdir "$folder"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=authority of a test" \
        -keyout "$folder/authority.key" -out "$folder/authority.crt" 2>/dev/null
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=kafka" \
        -addext "subjectAltName=DNS:kafka" -addext "basicConstraints=critical,CA:FALSE" \
        -CA "$folder/authority.crt" -CAkey "$folder/authority.key" \
        -keyout "$folder/kafka.key" -out "$folder/kafka.crt" 2>/dev/null
    cat "$folder/kafka.key" "$folder/kafka.crt" >"$folder/kafka.pem"
    chmod 644 "$folder/kafka.pem" "$folder/authority.crt"
    # Names of containers are found in a network of their own only.
    docker network create test >/dev/null
}

kafka_by_tls() {
    docker run --detach --name kafka --network test --volume "$state/certificates:/etc/kafka/secrets:ro" \
        --env KAFKA_NODE_ID=1 --env KAFKA_PROCESS_ROLES=broker,controller \
        --env KAFKA_CONTROLLER_QUORUM_VOTERS=1@localhost:9091 --env KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER \
        --env KAFKA_LISTENERS=PLAIN://localhost:9092,TLS://:9093,CONTROLLER://localhost:9091 \
        --env KAFKA_ADVERTISED_LISTENERS=PLAIN://localhost:9092,TLS://kafka:9093 \
        --env KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=PLAIN:PLAINTEXT,TLS:SSL,CONTROLLER:PLAINTEXT \
        --env KAFKA_INTER_BROKER_LISTENER_NAME=PLAIN --env KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1 \
        --env KAFKA_SSL_KEYSTORE_TYPE=PEM --env KAFKA_SSL_KEYSTORE_LOCATION=/etc/kafka/secrets/kafka.pem \
        apache/kafka:3.9.1 >/dev/null
    local deadline=$((SECONDS + 120))
    until docker logs kafka 2>&1 | grep --quiet "Kafka Server started"; do
        [ "$SECONDS" -lt "$deadline" ] || { docker logs kafka >&2 && return 1; }
        sleep 0.3
    done
}

# topics_by_tls OPTION…: creates the topics through the listener of TLS.
topics_by_tls() {
    local url="kafka://kafka:9093/requests?partitions=4&security.protocol=ssl"
    url+="&ssl.ca.location=/etc/ssl/certs/ca-certificates.crt"
    timeout 60 docker run --rm --network test "${RESTRICTED[@]}" "$@" delaycast-score:local topics create --log "$url"
}

broker_is_refused() {
    local output
    if output=$(topics_by_tls 2>&1); then
        echo "it is accepted: $output" >&2
        return 1
    fi
    grep --quiet --ignore-case "certificate verify failed" <<<"$output" || { echo "$output" >&2 && return 1; }
}

broker_is_accepted() {
    topics_by_tls --volume "$state/certificates/authority.crt:/etc/ssl/certs/ca-certificates.crt:ro" >&2
}

mongo_with_password() {
    docker run --detach --name mongo --network test --user 999:999 "${RESTRICTED[@]}" --tmpfs /tmp \
        --env MONGO_INITDB_DATABASE=agile_data_science --env MONGO_INITDB_ROOT_USERNAME=root \
        --env MONGO_INITDB_ROOT_PASSWORD=root-for-a-test --env DELAYCAST_MONGO_PASSWORD=right \
        --volume /data/db mongo:8.0.10 --bind_ip_all --wiredTigerCacheSizeGB=1 >/dev/null
    mongo_answers
}

mongo_answers() {
    local deadline=$((SECONDS + 30))
    until docker exec mongo mongosh --quiet --eval 'db.runCommand({ ping: 1 }).ok' >/dev/null; do
        [ "$SECONDS" -lt "$deadline" ] || { docker logs mongo >&2 && return 1; }
        sleep 0.1
    done
}

# store_is accepted|refused [PASSWORD]: what doctor finds about the store. A server lets everyone connect, and refuses a
# wrong password at once; without one it refuses to read.
store_is() {
    local output sign="ok      answers"
    [ "$1" = accepted ] || sign="BROKEN  (store|answers) .*[Aa]uthenticat"
    output=$(timeout 60 docker run --rm --network test "${RESTRICTED[@]}" \
        --env "DELAYCAST_LOG_URL=kafka://nowhere:9092" \
        --env "DELAYCAST_STORE_URL=mongodb://${2:+delaycast:$2@}mongo:27017/agile_data_science" \
        delaycast-score:local doctor 2>&1) || true
    echo "$output" >&2
    grep --quiet --extended-regexp "^$sign" <<<"$output"
}

store_is_accepted_again() {
    docker restart mongo >/dev/null && mongo_answers && store_is accepted right
}
