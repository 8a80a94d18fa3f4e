"""Apache Spark as a peer: the course project's forest in micro-batches, and in real-time mode.

Prints a line of JSON for each result. `bench/peers/run` installs what it needs; `delaycast-bench peers` starts it.
"""

import argparse
import json
import os
import sys
import threading
import time

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import RandomForestClassifier
from pyspark.ml.feature import Bucketizer, StringIndexer, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

CODES = ["Carrier", "Origin", "Dest", "Route"]
NUMBERS = ["DepDelay", "Distance", "DayOfMonth", "DayOfWeek", "DayOfYear"]
# Only the fields that the forest and the answer need are parsed: fewer are cheaper.
FIELDS = ", ".join(f"{name} STRING" for name in ["UUID", "Carrier", "Origin", "Dest", "FlightDate"])
FIELDS += "".join(f", {name} DOUBLE" for name in NUMBERS)
# Classes of the arrival delay, each closed on the left.
CUTS = [-float("inf"), -15.0, 0.0, 30.0, float("inf")]


def session(options):
    builder = SparkSession.builder.master(f"local[{options.slots}]").appName("peer")
    settings = {
        "spark.driver.extraClassPath": f"{options.jars}/*",
        # A heap that the work fits into. A larger one would count as memory.
        "spark.driver.memory": options.heap,
        # The collector for throughput. G1, the default, works beside the tasks, on the same cores.
        "spark.driver.extraJavaOptions": options.java,
        # Its pages are not looked at, and take memory.
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Streams are not replanned while they run, so that deciding about it is a cost only.
        "spark.sql.adaptive.enabled": "false",
        # There is no shuffle; should one come, it has as many partitions as slots, not 200.
        "spark.sql.shuffle.partitions": str(options.slots),
        # Times of flights are local.
        "spark.sql.session.timeZone": "UTC",
        # Old progress is of no use here.
        "spark.sql.streaming.numRecentProgressUpdates": "1000",
    }
    for name, value in settings.items():
        if value:
            builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def with_route(rows):
    return rows.withColumn("Route", f.concat_ws("-", "Origin", "Dest"))


def train(options):
    """The forest of the course project, on the bundled flights: 20 trees of depth 5."""
    spark = session(options)
    flights = spark.read.parquet(options.flights).where("ArrDelay IS NOT NULL AND DepDelay IS NOT NULL")
    days = {
        "DayOfMonth": f.dayofmonth("FlightDate").cast("double"),
        "DayOfWeek": f.weekday("FlightDate").cast("double") + 1,
        "DayOfYear": f.dayofyear("FlightDate").cast("double"),
    }
    flights = with_route(flights.withColumns(days)).select("ArrDelay", *CODES, *NUMBERS).cache()
    indexed = [f"{code}_index" for code in CODES]
    stages = [
        Bucketizer(splits=CUTS, inputCol="ArrDelay", outputCol="label"),
        # One stage for all codes: four would be four projections. An unknown code has an index of its own.
        StringIndexer(inputCols=CODES, outputCols=indexed, handleInvalid="keep"),
        # Requests about cancelled flights have no departure delay.
        VectorAssembler(inputCols=NUMBERS + indexed, outputCol="features", handleInvalid="keep"),
        RandomForestClassifier(
            numTrees=options.trees,
            maxDepth=options.depth,
            # As many as there are routes, which a categorical column needs.
            maxBins=512,
            seed=1,
            predictionCol="Prediction",
        ),
    ]
    started = time.perf_counter()
    model = Pipeline(stages=stages).fit(flights)
    accuracy = model.transform(flights).where("label = Prediction").count() / flights.count()
    # Scoring has no label.
    PipelineModel(model.stages[1:]).write().overwrite().save(options.model)
    print_line(step="train", seconds=time.perf_counter() - started, accuracy=accuracy)


def answers(spark, options):
    """The answers to the requests of a topic, with as many fields as the course project's."""
    model = PipelineModel.load(options.model)
    # Neither is written, and without them the forest is evaluated by one function instead of three.
    model.stages[-1].setRawPredictionCol("").setProbabilityCol("")
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", options.brokers)
        .option("subscribe", options.topic)
        .option("startingOffsets", "earliest")
        # A poll brings as many records as were fetched, not 500.
        .option("kafka.max.poll.records", "20000")
    )
    if options.batch:
        reader = reader.option("maxOffsetsPerTrigger", options.batch)
    parsed = reader.load().select(f.from_json(f.col("value").cast("string"), FIELDS).alias("request")).select("request.*")
    names = ["UUID", "Carrier", "Origin", "Dest", "Route", "FlightDate", *NUMBERS, "Prediction"]
    return model.transform(with_route(parsed)).select(*names)


def drop(options):
    """Answers all requests of the topic each time that a line comes, into a sink that drops them."""
    spark = session(options)
    rows = answers(spark, options)
    for number, _ in enumerate(sys.stdin):
        query = (
            rows.writeStream.format("noop")
            .option("checkpointLocation", f"{options.checkpoint}/{number}")
            .trigger(availableNow=True)
        )
        started = time.perf_counter()
        query = query.start()
        query.awaitTermination()
        batches = [batch for batch in query.recentProgress if batch["numInputRows"]]
        busy_ms = sum(batch["durationMs"]["triggerExecution"] for batch in batches)
        print_line(
            step="drop",
            rows=sum(batch["numInputRows"] for batch in batches),
            batches=len(batches),
            # The time of the batches; starting the query is not counted.
            seconds=busy_ms / 1000,
            wall_s=time.perf_counter() - started,
        )


def answer(options):
    """Answers into a topic in real-time mode, until its input ends."""
    spark = session(options)
    text = f.to_json(f.struct(f.col("*")))
    rows = answers(spark, options).select(f.col("UUID").alias("key"), text.alias("value"))
    query = (
        rows.writeStream.format("kafka")
        .option("kafka.bootstrap.servers", options.brokers)
        .option("topic", options.to)
        .option("checkpointLocation", options.checkpoint)
        .outputMode("update")
        .trigger(realTime=options.interval)
        .start()
    )
    threading.Thread(target=end_with_input, daemon=True).start()
    print_line(step="answer")
    query.awaitTermination()


def end_with_input():
    sys.stdin.read()
    # The virtual machine ends with this process.
    os._exit(0)


def print_line(**line):
    print(json.dumps(line), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jars", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--heap", default="1g")
    parser.add_argument("--java", default="-XX:+UseParallelGC")
    parser.add_argument("--slots", type=int, default=2)
    steps = parser.add_subparsers(dest="step", required=True)
    step = steps.add_parser("train")
    step.add_argument("--flights", required=True)
    step.add_argument("--trees", type=int, default=20)
    step.add_argument("--depth", type=int, default=5)
    for name in ("drop", "answer"):
        step = steps.add_parser(name)
        step.add_argument("--brokers", required=True)
        step.add_argument("--topic", required=True)
        step.add_argument("--checkpoint", required=True)
        step.add_argument("--batch", type=int, default=0)
    step.add_argument("--to", required=True)
    step.add_argument("--interval", default="5 minutes")
    options = parser.parse_args()
    {"train": train, "drop": drop, "answer": answer}[options.step](options)


if __name__ == "__main__":
    main()
