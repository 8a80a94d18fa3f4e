# The steps outside the cluster: what Google Cloud has to have. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # root, and what read_config sets: deploy.sh

google() {
    gcloud --project="$PROJECT" --quiet "$@"
}

run_google() {
    run gcloud --project="$PROJECT" --quiet "$@"
}

# ensure_google COLLECTION NAME OPTIONS… -- MORE…: makes a thing that `describe` does not find. MORE are for `create` alone.
ensure_google() {
    local both=()
    while [ "$1" != -- ]; do
        both+=("$1")
        shift
    done
    shift
    # The words before the name are the collection; the name is the first word after it, marked with @.
    local look=() make=() word named=
    for word in "${both[@]}"; do
        case "$word" in
        @*)
            look+=(describe "${word#@}")
            make+=(create "${word#@}")
            named=1
            ;;
        *)
            look+=("$word")
            make+=("$word")
            ;;
        esac
    done
    [ -n "$named" ] || fail "ensure_google wants an @NAME: ${both[*]}"
    ensure gcloud --project="$PROJECT" --quiet "${look[@]}" -- gcloud --project="$PROJECT" --quiet "${make[@]}" "$@"
}

# An account of Google's: it is described by its address, and made by its name.
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

# A network of its own, so that neither the default one nor its firewall rules matter; nodes have no public addresses, and go
# out through one that stays the same, which Atlas can be told to let in.
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

image_is_there() {
    google artifacts docker images describe "$IMAGES/$1:$TAG"
}

step_images() {
    if [ -z "$dry" ] && image_is_there score >/dev/null 2>&1 && image_is_there web >/dev/null 2>&1 &&
        image_is_there train >/dev/null 2>&1; then
        say "  there: $IMAGES/{score,web,train}:$TAG"
        return
    fi
    if [ "$BUILD" = docker ]; then
        local target
        run gcloud --quiet auth configure-docker "$REGION-docker.pkg.dev"
        for target in score web train; do
            run docker build --file "$root/deploy/docker/Dockerfile" --target "$target" --platform linux/amd64 \
                --build-arg "VERSION=$TAG" --build-arg "REVISION=$REVISION" --tag "$IMAGES/$target:$TAG" "$root"
            run docker push "$IMAGES/$target:$TAG"
        done
        return
    fi
    # An account that may build and push, and nothing else.
    local builder=delaycast-build@$PROJECT.iam.gserviceaccount.com role
    ensure_account "$builder"
    for role in roles/artifactregistry.writer roles/logging.logWriter roles/storage.objectViewer; do
        run_soon gcloud --project="$PROJECT" --quiet projects add-iam-policy-binding "$PROJECT" \
            --member="serviceAccount:$builder" --role="$role" --condition=None --format=none
    done
    run_google builds submit "$root" --config="$root/deploy/docker/cloudbuild.yaml" \
        --ignore-file=deploy/docker/gcloudignore --region="$REGION" \
        --service-account="projects/$PROJECT/serviceAccounts/$builder" \
        --substitutions="_IMAGES=$IMAGES,_TAG=$TAG,_REVISION=$REVISION"
}

step_bucket() {
    # Folders of a bucket with a hierarchical namespace are renamed as a whole, which is how a model is published.
    ensure gcloud --project="$PROJECT" --quiet storage buckets describe "gs://$BUCKET" -- \
        gcloud --project="$PROJECT" --quiet storage buckets create "gs://$BUCKET" --location="$REGION" \
        --uniform-bucket-level-access --public-access-prevention --enable-hierarchical-namespace
}

# A Kubernetes account as a principal of IAM, by Workload Identity Federation.
principal() {
    echo "principal://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/$PROJECT.svc.id.goog/subject/ns/delaycast/sa/$1"
}

step_identity() {
    local number account
    number=$(asked PROJECT_NUMBER gcloud --project="$PROJECT" --quiet projects describe "$PROJECT" --format="value(projectNumber)")
    models_to "$(principal train)" roles/storage.objectUser
    if [ "$OVERLAY" = self-hosted ]; then
        for account in score web; do models_to "$(principal "$account")" roles/storage.objectViewer; done
        return
    fi
    # Managed Kafka knows its clients by the address of a Google account, so here the pods act as one, with the bucket too.
    ensure_account "$KAFKA_ACCOUNT"
    run_soon gcloud --project="$PROJECT" --quiet projects add-iam-policy-binding "$PROJECT" \
        --member="serviceAccount:$KAFKA_ACCOUNT" --role=roles/managedkafka.client --condition=None --format=none
    models_to "serviceAccount:$KAFKA_ACCOUNT" roles/storage.objectViewer
    for account in score web topics; do
        run_soon gcloud --project="$PROJECT" --quiet iam service-accounts add-iam-policy-binding "$KAFKA_ACCOUNT" \
            --member="serviceAccount:$PROJECT.svc.id.goog[delaycast/$account]" --role=roles/iam.workloadIdentityUser --format=none
    done
}

models_to() {
    run_soon gcloud --project="$PROJECT" --quiet storage buckets add-iam-policy-binding "gs://$BUCKET" \
        --member="$1" --role="$2" --format=none
}

step_address() {
    ensure_google compute addresses @delaycast --global --
}

address() {
    asked 192.0.2.1 gcloud --project="$PROJECT" --quiet compute addresses describe delaycast --global --format="value(address)"
}

# Sets `domain`, and `certificate`, the name of its certificate: one cannot be given another domain.
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
