# Tells what pods wait for. Sourced by up.
# shellcheck shell=bash

# Prints the pods that wait, each with the reason of the scheduler or of its containers. A pull that fails has two in
# turn.
waiting_pods() {
    local reasons="{.status.conditions[?(@.reason=='Unschedulable')].message}"
    reasons+="{.status.containerStatuses[*].state.waiting.reason}"
    in_cluster --request-timeout=10s get pods \
        --output="jsonpath={range .items[*]}{.metadata.name}: $reasons{'\n'}{end}" |
        sed -n 's/ErrImagePull/ImagePullBackOff/g; /: [^ ]/s/^/  /p'
}

# Prints changes of it, until it is killed.
tell_waiting_pods() {
    local told='' waiting
    while :; do
        # It outlives this process for seconds, and must not hold the output of the caller open.
        sleep 5 >/dev/null 2>&1
        waiting=$(waiting_pods 2>/dev/null || true)
        [ -z "$waiting" ] || [ "$waiting" = "$told" ] || echo "$waiting" >&2
        told=$waiting
    done
}
