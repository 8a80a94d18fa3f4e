"""Prints the messages of a Kafka topic up to its present end: partition, offset, key and value, separated by tabs.

    python read_topic.py 127.0.0.1:9092 flight_delay_classification_request

It joins no consumer group and commits nothing. It needs confluent-kafka: requirements.txt."""

import sys

from confluent_kafka import Consumer, TopicPartition

brokers, topic = sys.argv[1:]
consumer = Consumer({"bootstrap.servers": brokers, "group.id": "read_topic", "enable.auto.commit": False})
found = consumer.list_topics(topic, timeout=10).topics[topic]
if found.error is not None:
    sys.exit(f"error: {topic}: {found.error}")
ends = {}
for number in found.partitions:
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)
    if low < high:
        ends[number] = (low, high)
consumer.assign([TopicPartition(topic, number, low) for number, (low, _) in ends.items()])
while ends:
    messages = consumer.consume(1000, timeout=10)
    if not messages:
        sys.exit("error: Kafka sends nothing for 10 s")
    for message in messages:
        if message.error() is not None:
            sys.exit(f"error: {message.error()}")
        key = (message.key() or b"").decode(errors="replace")
        print(message.partition(), message.offset(), key, message.value().decode(errors="replace"), sep="\t")
        if message.offset() + 1 >= ends.get(message.partition(), (0, 0))[1]:
            ends.pop(message.partition(), None)
consumer.close()
