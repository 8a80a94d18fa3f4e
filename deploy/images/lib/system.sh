# Checks of the whole system, as deploy/compose.yaml starts it. Sourced by deploy/images/smoke.
# shellcheck shell=bash disable=SC2154,SC2329 # set by the script: checkout, state; check calls functions by name

check_system() {
    check "compose: all services start, from the built images" system_starts
    check "compose: the page asks, and an answer comes" page_answers
    check "compose: score, killed by docker, stays down" killed_score_stays
    check "compose: it runs again after compose up" system_starts
    check "compose: score, killed from outside, is restarted" killed_score_restarts
    check "compose: an answer comes again" page_answers
    check "compose: nothing is left after down" system_ends
}

compose() {
    docker compose --project-name smoke --file "$checkout/deploy/compose.yaml" --profile system "$@"
}

system_starts() {
    compose up --detach --wait --wait-timeout 300 --no-build --pull never >&2 && return
    { compose ps --all && compose logs --tail 5; } >&2
    return 1
}

# Posts the form of the page, and asks for the answer as the page does.
page_answers() {
    local page=http://127.0.0.1:5001/flights/delays/predict/classify_realtime reply id deadline=$((SECONDS + 60))
    # The page starts to listen shortly after its container runs.
    until reply=$(in_docker_network curl --silent --show-error --fail-with-body --max-time 10 \
        --data "Carrier=AA&Origin=ATL&Dest=SFO&FlightDate=2016-12-25&DepDelay=5" "$page"); do
        [ "$SECONDS" -lt "$deadline" ] || { echo "$reply" >&2 && compose logs --tail 20 web >&2 && return 1; }
        sleep 0.1
    done
    id=$(sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' <<<"$reply")
    until grep --quiet '"status": *"OK"' <<<"$reply" && grep --quiet '"Prediction"' <<<"$reply"; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "$reply" >&2 && compose logs --tail 20 score >&2 && return 1; }
        sleep 0.1
        reply=$(in_docker_network curl --silent --show-error --max-time 10 "$page/response/$id" || true)
    done
    sed -n 's/.*\("Prediction": *[0-9.]*\).*/\1/p' <<<"$reply"
}

score_state() {
    docker inspect --format '{{.State.Status}} {{.RestartCount}}' smoke-score-1
}

# The engine takes its own kill for a stop by its user, whatever the policy of restarts is.
killed_score_stays() {
    docker kill smoke-score-1 >/dev/null
    sleep 10
    [ "$(score_state)" = "exited 0" ] || { score_state >&2 && return 1; }
}

killed_score_restarts() {
    local deadline=$((SECONDS + 60)) began=${EPOCHREALTIME/./} address
    in_engine kill -KILL "$(docker inspect --format '{{.State.Pid}}' smoke-score-1)"
    until [ "$(score_state)" = "running 1" ]; do
        [ "$SECONDS" -lt "$deadline" ] || { score_state >&2 && return 1; }
        sleep 0.05
    done
    address=$(address_of smoke-score-1)
    until in_docker_network curl --silent --fail --max-time 1 --output /dev/null "http://$address:9090/readyz"; do
        [ "$SECONDS" -lt "$deadline" ] || { compose logs --tail 20 score >&2 && return 1; }
        sleep 0.05
    done
    echo "ready after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
}

system_ends() {
    compose down --volumes --timeout 30 >&2 || return
    [ -z "$(docker ps --all --quiet --filter label=com.docker.compose.project=smoke)" ] &&
        [ -z "$(docker volume ls --quiet --filter label=com.docker.compose.project=smoke)" ]
}
