#!/bin/bash
# Runs a class of Kafka: `kafka-run-class.sh CLASS ARGUMENT…`, or one of the commands that are links to this file.
# Commands of Kafka that are not in its core (kafka-topics.sh, kafka-console-consumer.sh) are not here.
set -euo pipefail

case "${0##*/}" in
kafka-acls.sh) class=kafka.admin.AclCommand ;;
kafka-broker-api-versions.sh) class=kafka.admin.BrokerApiVersionsCommand ;;
kafka-configs.sh) class=kafka.admin.ConfigCommand ;;
kafka-storage.sh) class=kafka.tools.StorageTool ;;
*)
    class=${1:?the name of a class}
    shift
    ;;
esac
# Options of the Java machine and the log come from the same variables as in Kafka's own script.
read -ra options <<<"${KAFKA_HEAP_OPTS:--Xmx256m} ${KAFKA_OPTS:-}"
options+=("${KAFKA_LOG4J_OPTS:--Dlog4j.configuration=file:/opt/kafka/config/tools-log4j.properties}")
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${options[@]}" -cp "/opt/kafka/libs/*" "$class" "$@"
