"""Packs the bundled flights of January to March 2013 as BTS does, one zip a month, to try the DAG without its server.

    python bundled_months.py FOLDER
    python -m http.server 8099 --bind 127.0.0.1 --directory FOLDER

It needs pandas and pyarrow: ../notebook/requirements.txt."""

import sys
import zipfile
from pathlib import Path

import pandas as pd

folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
flights = pd.read_parquet(Path(__file__).parents[3] / "data/flights.parquet")
flights["FlightDate"] = pd.to_datetime(flights["FlightDate"])
names = {
    "Carrier": "Reporting_Airline",
    "FlightNum": "Flight_Number_Reporting_Airline",
    "TailNum": "Tail_Number",
}
for month in (1, 2, 3):
    rows = flights[flights["FlightDate"].dt.month == month].rename(columns=names)
    rows = rows.astype({"Cancelled": float, "Diverted": float})
    name = f"On_Time_Reporting_Carrier_On_Time_Performance_1987_present_2013_{month}"
    with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.csv", rows.to_csv(index=False, date_format="%Y-%m-%d"))
    print(f"{name}.zip: {len(rows):,} flights")
