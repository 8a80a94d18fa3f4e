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

# The versions of the operators are those that deploy.sh installs.
installed_version() {
    sed -n "s/^$1=//p" deploy/gke/lib/cluster.sh | grep . || fail "no $1 in deploy/gke/lib/cluster.sh"
}

# crds_get: sets `crds` to a file with the definitions, and gets them if they are absent.
crds_get() {
    local cert_manager strimzi key work
    cert_manager=$(installed_version CERT_MANAGER_VERSION)
    strimzi=$(installed_version STRIMZI_VERSION)
    key=$({ echo "$cert_manager $strimzi" && cat deploy/tests/lib/crds.sh deploy/tests/crds.py; } | sha256sum)
    crds=$cache/crds-${key:0:8}/crds.json
    [ ! -e "$crds" ] || return 0
    echo "getting the definitions of custom kinds: Go modules and jars (about 150 MB, of which 0.3 MB stay; once)" >&2
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/crds.XXXXXX")
    mkdir "$work/made" "$work/strimzi"
    crds_of_modules "$work" "$cert_manager"
    crds_of_strimzi "$work" "$strimzi"
    "$venv/bin/python" deploy/tests/crds.py "$work/made/crds.json" "$work"/modules/*.yaml "$work"/strimzi/*.yaml
    # Another run may have been faster.
    mv --no-target-directory "$work/made" "${crds%/*}" 2>/dev/null || [ -e "$crds" ]
    rm -rf "$work"
}

# crds_of_modules WORK CERT_MANAGER_VERSION: copies the definitions that Go modules contain.
crds_of_modules() {
    local work=$1 go module folder dir
    go=$(go_command "$work") || fail "no Go to get modules with, and it cannot be got: install Go $GO_VERSION or newer"
    mkdir "$work/modules"
    for module in "github.com/cert-manager/cert-manager@$2 deploy/crds" \
        "sigs.k8s.io/gateway-api@$GATEWAY_API_VERSION config/crd/standard" \
        "github.com/GoogleCloudPlatform/prometheus-engine@$PROMETHEUS_ENGINE_VERSION charts/operator/crds"; do
        read -r module folder <<<"$module"
        # In a cache of its own: one of them has 435 MB, of which one file is wanted.
        (cd "$work" && GOMODCACHE=$work/cache GOFLAGS=-modcacherw GOWORK=off "$go" mod download -json "$module") \
            >"$work/log" 2>&1 || crds_fail "$work" "$module cannot be got: is the Go module proxy reachable?"
        dir=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' "$work/log")
        cp "$dir/$folder"/*.yaml "$work/modules" || crds_fail "$work" "$module has no definitions in $folder"
    done
}

# crds_of_strimzi WORK VERSION: runs Strimzi's generator.
crds_of_strimzi() {
    local work=$1 model=io.strimzi.api.kafka.model out=$1/strimzi
    need java
    need maven
    cat >"$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>delaycast</groupId>
  <artifactId>definitions</artifactId>
  <version>1</version>
  <build><plugins><plugin>
    <artifactId>maven-dependency-plugin</artifactId>
    <configuration><outputDirectory>$work/jars</outputDirectory><artifactItems>
      <artifactItem><groupId>io.strimzi</groupId><artifactId>api</artifactId><version>$2</version></artifactItem>
      <artifactItem><groupId>io.strimzi</groupId><artifactId>crd-generator</artifactId><version>$STRIMZI_GENERATOR_VERSION</version></artifactItem>
      <artifactItem><groupId>io.fabric8</groupId><artifactId>kubernetes-model-core</artifactId><version>$FABRIC8_VERSION</version></artifactItem>
    </artifactItems></configuration>
  </plugin></plugins></build>
</project>
POM
    mvn --batch-mode --quiet --file "$work/pom.xml" dependency:copy >"$work/log" 2>&1 ||
        crds_fail "$work" "Strimzi's API and generator cannot be got: is Maven Central reachable?"
    # The generator has all its dependencies in it, so that it is last.
    java -cp "$work/jars/api-$2.jar:$work/jars/kubernetes-model-core-$FABRIC8_VERSION.jar:$work/jars/*" \
        io.strimzi.crdgenerator.CrdGenerator --target-kube 1.16+ --crd-api-version v1 --api-versions v1beta2 \
        --storage-version v1beta2 --yaml "$model.kafka.Kafka=$out/kafka.yaml" \
        "$model.nodepool.KafkaNodePool=$out/node-pool.yaml" "$model.user.KafkaUser=$out/user.yaml" \
        "$model.topic.KafkaTopic=$out/topic.yaml" >"$work/log" 2>&1 ||
        crds_fail "$work" "Strimzi's generator $STRIMZI_GENERATOR_VERSION refuses its API $2: see deploy/tests/lib/crds.sh"
}

# crds_fail WORK MESSAGE: with the end of the log.
crds_fail() {
    tail -n 20 "$1/log" >&2
    rm -rf "$1"
    fail "$2"
}
