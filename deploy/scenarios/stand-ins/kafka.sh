#!/usr/bin/env bash
# One broker and controller as Strimzi runs it for the resources in overlays/self-hosted/kafka.yaml: TLS with an
# authority of its own, SCRAM, and the rights of the KafkaUser. The container of the stand-in for Strimzi runs it.
#
# ADVERTISED is the name of this broker. Files: /etc/kafka/tls/keystore.p12 and /etc/kafka/user/password; the log is
# below /data. A second listener, on loopback only, is the administrator's.
set -euo pipefail
cat >/tmp/server.properties <<PROPERTIES
process.roles=broker,controller
node.id=0
controller.quorum.voters=0@127.0.0.1:9091
listeners=TLS://:9093,LOCAL://127.0.0.1:9092,CONTROLLER://127.0.0.1:9091
advertised.listeners=TLS://$ADVERTISED:9093,LOCAL://127.0.0.1:9092
listener.security.protocol.map=TLS:SASL_SSL,LOCAL:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=LOCAL
controller.listener.names=CONTROLLER
listener.name.tls.sasl.enabled.mechanisms=SCRAM-SHA-512
listener.name.tls.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.tls.ssl.keystore.type=PKCS12
listener.name.tls.ssl.keystore.location=/etc/kafka/tls/keystore.p12
listener.name.tls.ssl.keystore.password=$(cat /etc/kafka/tls/password)
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
# Clients of the listener on loopback have no name.
super.users=User:ANONYMOUS
log.dirs=/data/log
auto.create.topics.enable=false
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
PROPERTIES
if [ ! -e /data/log/meta.properties ]; then
    id=$(head -c 16 /dev/urandom | base64 | tr '+/' 'ab' | tr -d '=')
    /opt/kafka/bin/kafka-storage.sh format --cluster-id "$id" --config /tmp/server.properties \
        --add-scram "SCRAM-SHA-512=[name=delaycast-kafka,password=$(cat /etc/kafka/user/password)]"
fi

# allow RESOURCE…: gives the user a right, as Strimzi's user operator does. The broker must serve.
allow() {
    /opt/kafka/bin/kafka-acls.sh --bootstrap-server 127.0.0.1:9092 --add --allow-principal User:delaycast-kafka \
        --resource-pattern-type prefixed "$@" >/tmp/rights.log 2>&1
}
(
    for topic in flight_delay_classification_request flight_events; do
        until allow --topic "$topic" \
            --operation Create --operation Describe --operation DescribeConfigs --operation Read --operation Write; do
            sleep 1
        done
    done
    allow --group delaycast --operation Describe --operation Read
    touch /tmp/ready
) &
exec java -Xmx512m -XX:+UseSerialGC -Dlog4j.configuration=file:/opt/kafka/config/log4j.properties \
    -cp "/opt/kafka/libs/*" kafka.Kafka /tmp/server.properties
