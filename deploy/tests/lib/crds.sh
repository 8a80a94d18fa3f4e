# The CustomResourceDefinitions of the operators and of GKE, from packages. Sourced by scripts/check-deploy, after
# scripts/prepare and scripts/service/go.
# shellcheck shell=bash disable=SC2154 # set by scripts/check-deploy: cache, venv

# GKE's own kinds are built on version 1.4 (go.mod of github.com/GoogleCloudPlatform/gke-gateway-api).
GATEWAY_API_VERSION=v1.4.1
# Newer ones are not in every module proxy. GKE has newer ones, with more fields.
PROMETHEUS_ENGINE_VERSION=v0.12.0
# Strimzi's generator makes the definitions from the classes of its API. Maven Central has no generator 0.47.0; this
# one makes of the API 0.47.0 what Strimzi released with 0.47.0, except for four rules in CEL on metricsConfig.
STRIMZI_GENERATOR_VERSION=0.45.0
# The Kubernetes client that the API of Strimzi is compiled with (pom.xml of Strimzi): the generator has an older one.
FABRIC8_VERSION=7.3.1

# The folder in which they are made; scripts/check-deploy removes it.
crds_work=

# The versions of the operators are those that deploy.sh installs.
installed_version() {
    sed -n "s/^$1=//p" deploy/gke/lib/cluster.sh | grep . || fail "no $1 in deploy/gke/lib/cluster.sh"
}

# crds_get: sets `crds` to a file with the definitions, and gets them if they are absent.
crds_get() {
    local cert_manager strimzi key
    cert_manager=$(installed_version CERT_MANAGER_VERSION)
    strimzi=$(installed_version STRIMZI_VERSION)
    key=$({ echo "$cert_manager $strimzi" && cat deploy/tests/lib/crds.sh deploy/tests/crds.py; } | sha256sum)
    crds=$cache/crds-${key:0:8}/crds.json
    [ ! -e "$crds" ] || return 0
    echo "getting the definitions of custom kinds: Go modules and jars (about 120 MB, of which 0.4 MB stay; once)" >&2
    mkdir -p "$cache"
    crds_work=$(mktemp -d "$cache/crds.XXXXXX")
    mkdir "$crds_work/made" "$crds_work/modules" "$crds_work/strimzi"
    crds_of_modules "$cert_manager"
    crds_of_strimzi "$strimzi"
    "$venv/bin/python" deploy/tests/crds.py "$crds_work/made/crds.json" "$crds_work"/modules/*.yaml \
        "$crds_work"/strimzi/*.yaml
    # Another run may have been faster.
    mv --no-target-directory "$crds_work/made" "${crds%/*}" 2>/dev/null || [ -e "$crds" ]
    rm -rf "$crds_work"
    crds_work=
}

# crds_of_modules CERT_MANAGER_VERSION: copies the definitions that Go modules contain.
crds_of_modules() {
    # A module may demand a newer Go than kustomize does, also to be downloaded.
    local GO_VERSION=1.24.6 go module folder dir
    go=$(go_command "$crds_work") || fail "no Go $GO_VERSION or newer, and it cannot be got: install it"
    for module in "github.com/cert-manager/cert-manager@$1 deploy/crds" \
        "sigs.k8s.io/gateway-api@$GATEWAY_API_VERSION config/crd/standard" \
        "github.com/GoogleCloudPlatform/prometheus-engine@$PROMETHEUS_ENGINE_VERSION charts/operator/crds"; do
        read -r module folder <<<"$module"
        # In a cache of its own: one of them has 435 MB, of which one file is wanted.
        (cd "$crds_work" && GOMODCACHE=$crds_work/cache GOFLAGS=-modcacherw GOWORK=off timeout 900 \
            "$go" mod download -json "$module") >"$crds_work/log" 2>&1 ||
            crds_fail "$module cannot be got: is the Go module proxy reachable?"
        dir=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' "$crds_work/log")
        cp "$dir/$folder"/*.yaml "$crds_work/modules" || crds_fail "$module has no definitions in $folder"
    done
}

# crds_of_strimzi VERSION: runs Strimzi's generator.
crds_of_strimzi() {
    local model=io.strimzi.api.kafka.model jars=$crds_work/jars out=$crds_work/strimzi
    need java
    need maven
    cat >"$crds_work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>delaycast</groupId>
  <artifactId>definitions</artifactId>
  <version>1</version>
  <build><plugins><plugin>
    <artifactId>maven-dependency-plugin</artifactId>
    <configuration><outputDirectory>$jars</outputDirectory><artifactItems>
      $(artifact_item io.strimzi api "$1")
      $(artifact_item io.strimzi crd-generator "$STRIMZI_GENERATOR_VERSION")
      $(artifact_item io.fabric8 kubernetes-model-core "$FABRIC8_VERSION")
    </artifactItems></configuration>
  </plugin></plugins></build>
</project>
POM
    timeout 900 mvn --batch-mode --quiet --file "$crds_work/pom.xml" dependency:copy >"$crds_work/log" 2>&1 ||
        crds_fail "Strimzi's API and generator cannot be got: is Maven Central reachable?"
    # The generator contains its dependencies, of which one is too old, so that it is last.
    java -cp "$jars/api-$1.jar:$jars/kubernetes-model-core-$FABRIC8_VERSION.jar:$jars/*" \
        io.strimzi.crdgenerator.CrdGenerator --target-kube 1.16+ --crd-api-version v1 --api-versions v1beta2 \
        --storage-version v1beta2 --yaml "$model.kafka.Kafka=$out/kafka.yaml" \
        "$model.nodepool.KafkaNodePool=$out/node-pool.yaml" "$model.user.KafkaUser=$out/user.yaml" \
        "$model.topic.KafkaTopic=$out/topic.yaml" >"$crds_work/log" 2>&1 ||
        crds_fail "Strimzi's generator $STRIMZI_GENERATOR_VERSION refuses API $1: see deploy/tests/lib/crds.sh"
}

artifact_item() {
    echo "<artifactItem><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></artifactItem>"
}

# crds_fail MESSAGE: with the end of the log.
crds_fail() {
    tail -n 20 "$crds_work/log" >&2
    fail "$1"
}
