# The steps outside the cluster: resources of Google Cloud. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # set by deploy.sh: root, and the values of read_config

google() {
    gcloud --project="$PROJECT" --quiet "$@"
}

run_google() {
    run gcloud --project="$PROJECT" --quiet "$@"
}

# ensure_google COLLECTION @NAME OPTIONS… -- MORE…: creates a resource that `describe` does not find. MORE are options
# of `create` only.
ensure_google() {
    local both=()
    while [ "$1" != -- ]; do
        both+=("$1")
        shift
    done
    shift
    # The words before @NAME are the collection.
    local describe=() create=() word named=
    for word in "${both[@]}"; do
        case "$word" in
        @*)
            describe+=(describe "${word#@}")
            create+=(create "${word#@}")
            named=1
            ;;
        *)
            describe+=("$word")
            create+=("$word")
            ;;
        esac
    done
    [ -n "$named" ] || fail "ensure_google wants an @NAME: ${both[*]}"
    ensure gcloud --project="$PROJECT" --quiet "${describe[@]}" -- gcloud --project="$PROJECT" --quiet "${create[@]}" "$@"
}

# Ensures a service account: `describe` takes its address, `create` its name.
ensure_account() {
    ensure gcloud --project="$PROJECT" --quiet iam service-accounts describe "$1" -- \
        gcloud --project="$PROJECT" --quiet iam service-accounts create "${1%%@*}"
}

step_apis() {
    local apis="artifactregistry certificatemanager cloudbuild compute container iam logging monitoring storage"
    [ "$OVERLAY" = self-hosted ] || apis+=" managedkafka"
    local api names=()
    for api in $apis; do names+=("$api.googleapis.com"); done
    run_google services enable "${names[@]}"
}

# A separate network, independent of the default one and its firewall rules. Nodes have no public addresses; their
# egress address is static, so that Atlas can allow it.
step_network() {
    ensure_google compute networks @delaycast -- --subnet-mode=auto
    ensure_google compute addresses @delaycast-nat --region="$REGION" --
    ensure_google compute routers @delaycast --region="$REGION" -- --network=delaycast
    ensure_google compute routers nats @delaycast --router=delaycast --region="$REGION" -- \
        --nat-external-ip-pool=delaycast-nat --nat-all-subnet-ip-ranges
}

step_registry() {
    ensure_google artifacts repositories @delaycast --location="$REGION" -- --repository-format=docker
}

image_exists() {
    google artifacts docker images describe "$IMAGES/$1:$TAG"
}

step_images() {
    if [ -z "$dry" ] && image_exists score >/dev/null 2>&1 && image_exists web >/dev/null 2>&1 &&
        image_exists train >/dev/null 2>&1; then
        say "  there: $IMAGES/{score,web,train}:$TAG"
        return
    fi
    if [ "$BUILD" = docker ]; then
        local target
        run gcloud --quiet auth configure-docker "$REGION-docker.pkg.dev"
        for target in score web train; do
            build_image "$target" "$IMAGES/$target" --platform linux/amd64
            run docker push "$IMAGES/$target:$TAG"
        done
        return
    fi
    # A service account that may only build and push.
    local builder=delaycast-build@$PROJECT.iam.gserviceaccount.com role
    ensure_account "$builder"
    for role in roles/artifactregistry.writer roles/logging.logWriter roles/storage.objectViewer; do
        run_retrying gcloud --project="$PROJECT" --quiet projects add-iam-policy-binding "$PROJECT" \
            --member="serviceAccount:$builder" --role="$role" --condition=None --format=none
    done
    run_google builds submit "$root" --config="$root/deploy/docker/cloudbuild.yaml" \
        --ignore-file=deploy/docker/gcloudignore --region="$REGION" \
        --service-account="projects/$PROJECT/serviceAccounts/$builder" \
        --substitutions="_IMAGES=$IMAGES,_TAG=$TAG,_REVISION=$REVISION"
}

step_bucket() {
    # A hierarchical namespace renames folders atomically, which publishes a model.
    ensure gcloud --project="$PROJECT" --quiet storage buckets describe "gs://$BUCKET" -- \
        gcloud --project="$PROJECT" --quiet storage buckets create "gs://$BUCKET" --location="$REGION" \
        --uniform-bucket-level-access --public-access-prevention --enable-hierarchical-namespace
}

# Prints the IAM principal of a Kubernetes account (Workload Identity Federation).
principal() {
    echo "principal://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/$PROJECT.svc.id.goog/subject/ns/delaycast/sa/$1"
}

step_identity() {
    local number account
    number=$(query PROJECT_NUMBER gcloud --project="$PROJECT" --quiet projects describe "$PROJECT" --format="value(projectNumber)")
    grant_bucket "$(principal train)" roles/storage.objectUser
    grant_bucket "$(principal batch)" roles/storage.objectViewer
    if [ "$OVERLAY" = self-hosted ]; then
        for account in score web; do grant_bucket "$(principal "$account")" roles/storage.objectViewer; done
        return
    fi
    # Managed Kafka identifies clients by a service account's address: here the pods act as one, for the bucket, too.
    ensure_account "$KAFKA_ACCOUNT"
    run_retrying gcloud --project="$PROJECT" --quiet projects add-iam-policy-binding "$PROJECT" \
        --member="serviceAccount:$KAFKA_ACCOUNT" --role=roles/managedkafka.client --condition=None --format=none
    grant_bucket "serviceAccount:$KAFKA_ACCOUNT" roles/storage.objectViewer
    for account in score web topics; do
        run_retrying gcloud --project="$PROJECT" --quiet iam service-accounts add-iam-policy-binding "$KAFKA_ACCOUNT" \
            --member="serviceAccount:$PROJECT.svc.id.goog[delaycast/$account]" --role=roles/iam.workloadIdentityUser --format=none
    done
}

grant_bucket() {
    run_retrying gcloud --project="$PROJECT" --quiet storage buckets add-iam-policy-binding "gs://$BUCKET" \
        --member="$1" --role="$2" --format=none
}

step_address() {
    ensure_google compute addresses @delaycast --global --
}

address() {
    query 192.0.2.1 gcloud --project="$PROJECT" --quiet compute addresses describe delaycast --global --format="value(address)"
}

# Sets `domain`, and `certificate`, the name of its certificate: each domain needs a new one.
domain_and_certificate() {
    domain=$DOMAIN
    if [ -z "$domain" ]; then
        domain=$(address)
        domain+=.sslip.io
    fi
    certificate=delaycast-$(printf %s "$domain" | sha256sum | cut -c1-8)
}

step_certificate() {
    local domain certificate
    domain_and_certificate
    ensure_google certificate-manager certificates @"$certificate" -- --domains="$domain"
    ensure_google certificate-manager maps @delaycast --
    ensure_google certificate-manager maps entries @"$certificate" --map=delaycast -- \
        --hostname="$domain" --certificates="$certificate"
}

step_kafka() {
    [ "$OVERLAY" = managed ] || {
        say "  in the cluster: see operators"
        return
    }
    ensure_google managed-kafka clusters @delaycast --location="$REGION" -- \
        --cpu="${KAFKA_CPU:-3}" --memory="${KAFKA_MEMORY:-12Gi}" \
        --subnets="projects/$PROJECT/regions/$REGION/subnetworks/delaycast"
}
