# The steps in the cluster. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # set by deploy.sh: here, and the values of read_config

CERT_MANAGER_VERSION=v1.18.2
# The last minor version that runs Kafka 3.9, patches of 0.45 aside (overlays/self-hosted/kafka.yaml has the reason).
STRIMZI_VERSION=0.47.0

step_cluster() {
    ensure gcloud --project="$PROJECT" --quiet container clusters describe delaycast --location="$REGION" -- \
        gcloud --project="$PROJECT" --quiet container clusters create-auto delaycast --location="$REGION" \
        --release-channel=regular --network=delaycast --subnetwork=delaycast --enable-private-nodes
    run_google container clusters get-credentials delaycast --location="$REGION"
}

step_operators() {
    # Autopilot forbids access to kube-system, where cert-manager elects its leader by default.
    run helm --kube-context="$CONTEXT" upgrade --install cert-manager oci://quay.io/jetstack/charts/cert-manager \
        --version="$CERT_MANAGER_VERSION" --namespace=cert-manager --create-namespace --wait --timeout=10m \
        --set=crds.enabled=true --set=global.leaderElection.namespace=cert-manager
    run_in_cluster apply --server-side --filename="$here/base/namespace.yaml"
    [ "$OVERLAY" = self-hosted ] || return 0
    # `restricted`: the namespace enforces this Pod Security Standard.
    run helm --kube-context="$CONTEXT" upgrade --install strimzi oci://quay.io/strimzi-helm/strimzi-kafka-operator \
        --version="$STRIMZI_VERSION" --namespace=strimzi --create-namespace --wait --timeout=10m \
        --set="watchNamespaces={delaycast}" \
        --set="extraEnvs[0].name=STRIMZI_POD_SECURITY_PROVIDER_CLASS" --set="extraEnvs[0].value=restricted"
}

step_secrets() {
    if [ "$OVERLAY" = managed ]; then
        atlas_secret
        return
    fi
    mongo_secrets
}

atlas_secret() {
    if [ -z "${MONGODB_URL_FILE:-}" ]; then
        [ -z "$dry" ] || {
            secret delaycast-store url ""
            return
        }
        secret_exists delaycast-store || fail "MONGODB_URL_FILE is empty, and there is no Secret delaycast-store yet.
Make a database in Atlas, let in $(google compute addresses describe delaycast-nat --region="$REGION" --format="value(address)"),
and put its URL into a file that only you can read."
        say "  there: Secret delaycast-store"
        return
    fi
    local url
    url=$(tr -d '\n' <"$MONGODB_URL_FILE")
    case "$url" in
    mongodb+srv://*) fail "$MONGODB_URL_FILE: mongodb+srv is not understood; take the form with hosts, mongodb://HOST,HOST,HOST/…" ;;
    mongodb://*/?*) ;;
    *) fail "$MONGODB_URL_FILE: a URL mongodb://USER:PASSWORD@HOST,…/DATABASE?… is wanted" ;;
    esac
    secret delaycast-store url "$url"
}

# Writes the kustomization of this deployment: the overlay with the values of this project. Rewritten each time, ignored
# by git.
write_kustomization() {
    local domain certificate image
    domain_and_certificate
    say "+ write $here/site"
    [ -z "$dry" ] || return 0
    mkdir -p "$here/site"
    {
        echo "DELAYCAST_VERSION=$TAG"
        echo "DELAYCAST_DOMAIN=$domain"
        echo "DELAYCAST_MODELS_BUCKET=$BUCKET"
        if [ "$OVERLAY" = managed ]; then
            echo "DELAYCAST_KAFKA_HOSTS=bootstrap.delaycast.$REGION.managedkafka.$PROJECT.cloud.goog:9092"
            echo "DELAYCAST_KAFKA_ACCOUNT=$KAFKA_ACCOUNT"
        fi
        grep '^DELAYCAST_' "$config" || true
    } >"$here/site/settings.env"
    {
        echo "# Written by deploy.sh."
        echo "apiVersion: kustomize.config.k8s.io/v1beta1"
        echo "kind: Kustomization"
        echo "namespace: delaycast"
        echo "resources: [../overlays/$OVERLAY]"
        echo "configMapGenerator:"
        echo "  - {name: settings, behavior: merge, envs: [settings.env]}"
        if [ "$SPARE" = 1 ]; then echo "components: [../google/wire, ../spare]"; else echo "components: [../google/wire]"; fi
        echo "images:"
        for image in score web train; do echo "  - {name: delaycast-$image, newName: $IMAGES/$image}"; done
    } >"$here/site/kustomization.yaml"
}

step_manifests() {
    write_kustomization
    # A Job is immutable; creating the topics is idempotent.
    run_in_cluster delete job topics --ignore-not-found
    run_in_cluster apply --server-side --kustomize="$here/site"
}

# The scorers and the page wait for all of it, alive and not ready.
step_topics() {
    [ "$OVERLAY" = managed ] || run_in_cluster wait --for=condition=Ready --timeout=20m kafka/delaycast
    wait_for_job topics 30
}

# Trains the first model as the CronJob does, while Kafka starts.
step_model() {
    if [ -z "$dry" ] && google storage ls "gs://$BUCKET/current" >/dev/null 2>&1; then
        say "  there: gs://$BUCKET/current"
        return
    fi
    step_train
}
