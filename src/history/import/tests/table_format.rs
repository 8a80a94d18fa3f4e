//! Ten flights, and the formats in which known tables have them.

use super::*;

/// Creates eight flown flights, a cancelled and a diverted one, in the order of a history.
pub(super) fn ten_flights() -> Vec<Flight> {
    let flown = |day: u32, number: u32, delay: f32| {
        let (origin, dest) = if day.is_multiple_of(2) { ("ATL", "SFO") } else { ("JFK", "DEN") };
        Flight {
            tail_num: Some("N196AA".parse().unwrap()),
            crs_dep_min: Some((day * 101 % 1440) as u16),
            crs_arr_min: Some((day * 307 % 1440) as u16),
            crs_elapsed_min: Some(120.0 + day as f32),
            dep_delay: Some(delay - 2.0),
            arr_delay: Some(delay),
            air_time_min: Some(100.0),
            distance: Some(1990.0 + day as f32),
            ..flight(&format!("2015-{:02}-{day:02}", 1 + day % 3), "AA", number, origin, dest)
        }
    };
    let mut flights: Vec<_> =
        [1, 2, 5, 9, 13, 21, 27, 28].into_iter().map(|day| flown(day, day, day as f32 * 3.0 - 9.0)).collect();
    flights.push(Flight {
        status: FlightStatus::Cancelled,
        dep_delay: None,
        arr_delay: None,
        air_time_min: None,
        ..flown(11, 1060, 0.0)
    });
    flights.push(Flight {
        status: FlightStatus::Diverted,
        arr_delay: None,
        air_time_min: None,
        ..flown(20, 4363, 35.0)
    });
    sorted(flights)
}

pub(super) fn sorted(mut flights: Vec<Flight>) -> Vec<Flight> {
    flights.sort_unstable_by(Flight::cmp_all);
    flights
}

/// The conventions of a table.
#[derive(Debug, Clone)]
pub(super) struct TableFormat {
    /// The names of the columns, in the order of [`TableFormat::cells`].
    pub(super) header: &'static str,
    pub(super) separator: &'static str,
    pub(super) date: fn(&Flight) -> String,
    pub(super) time: fn(u16) -> String,
    pub(super) number: fn(f32) -> String,
    pub(super) text: fn(&str) -> String,
    pub(super) flags: [&'static str; 2],
    pub(super) missing: &'static str,
}

pub(super) const BTS_NAMES: &str = "FlightDate,Reporting_Airline,Flight_Number_Reporting_Airline,Tail_Number,Origin,Dest,CRSDepTime,CRSArrTime,\
    CRSElapsedTime,DepDelay,ArrDelay,AirTime,Distance,Cancelled,Diverted";
pub(super) const UPPER_NAMES: &str = "FL_DATE,OP_UNIQUE_CARRIER,OP_CARRIER_FL_NUM,TAIL_NUM,ORIGIN,DEST,CRS_DEP_TIME,CRS_ARR_TIME,\
    CRS_ELAPSED_TIME,DEP_DELAY,ARR_DELAY,AIR_TIME,DISTANCE,CANCELLED,DIVERTED";
pub(super) const KAGGLE_2015: &str = "YEAR,MONTH,DAY,AIRLINE,FLIGHT_NUMBER,TAIL_NUMBER,ORIGIN_AIRPORT,DESTINATION_AIRPORT,SCHEDULED_DEPARTURE,\
    SCHEDULED_ARRIVAL,SCHEDULED_TIME,DEPARTURE_DELAY,ARRIVAL_DELAY,AIR_TIME,DISTANCE,CANCELLED,DIVERTED";
pub(super) const KAGGLE_2019: &str = "FL_DATE,AIRLINE_CODE,FL_NUMBER,TAIL_NUM,ORIGIN,DEST,CRS_DEP_TIME,CRS_ARR_TIME,CRS_ELAPSED_TIME,DEP_DELAY,\
    ARR_DELAY,AIR_TIME,DISTANCE,CANCELLED,DIVERTED";

pub(super) fn hhmm(min: u16) -> String {
    format!("{:02}{:02}", min / 60, min % 60)
}

/// The format of BTS.
pub(super) const PLAIN: TableFormat = TableFormat {
    header: BTS_NAMES,
    separator: ",",
    date: |flight| flight.date.to_string(),
    time: hhmm,
    number: |number| number.to_string(),
    text: str::to_owned,
    flags: ["0", "1"],
    missing: "",
};

impl TableFormat {
    fn cells(&self, flight: &Flight) -> Vec<String> {
        let number = |number: Option<f32>| number.map_or_else(|| self.missing.to_owned(), self.number);
        let time = |min: Option<u16>| min.map_or_else(|| self.missing.to_owned(), self.time);
        let flag = |status| self.flags[usize::from(flight.status == status)].to_owned();
        let code = |code: crate::flight::Code| (self.text)(code.as_str());
        let missing = || self.missing.to_owned();
        let mut cells: Vec<_> = (self.date)(flight).split('\u{1}').map(str::to_owned).collect();
        cells.extend([
            code(flight.carrier),
            flight.flight_num.map_or_else(missing, |number| number.to_string()),
            flight.tail_num.map_or_else(missing, code),
            code(flight.origin),
            code(flight.dest),
            time(flight.crs_dep_min),
            time(flight.crs_arr_min),
        ]);
        cells.extend(
            [flight.crs_elapsed_min, flight.dep_delay, flight.arr_delay, flight.air_time_min, flight.distance]
                .map(number),
        );
        cells.extend([flag(FlightStatus::Cancelled), flag(FlightStatus::Diverted)]);
        cells
    }

    /// Writes the table with its header.
    pub(super) fn table(&self, flights: &[Flight]) -> String {
        let mut text = self.header.replace(',', self.separator) + "\n";
        for flight in flights {
            text += &(self.cells(flight).join(self.separator) + "\n");
        }
        text
    }

    /// Writes JSON lines. A cell that is no number becomes a string, unless it is a literal or an object of JSON.
    pub(super) fn lines(&self, flights: &[Flight]) -> String {
        let mut text = String::new();
        for flight in flights {
            let cells = self.header.split(',').zip(self.cells(flight));
            let fields = cells.filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| {
                let is_value = cell.parse::<f64>().is_ok() && !cell.starts_with("0") || cell.starts_with('{');
                let is_value = is_value || ["0", "true", "false", "null", "NaN"].contains(&cell.as_str());
                format!("\"{name}\":{}", if is_value { cell } else { format!("\"{cell}\"") })
            });
            text += &format!("{{{}}}\n", fields.collect::<Vec<_>>().join(","));
        }
        text
    }
}

/// Reads the flights of files without writing a history.
pub(super) fn flights_in(paths: &[PathBuf], options: &Options) -> Result<Vec<Flight>, ImportError> {
    let mut observe = |_: Event<'_>| {};
    let mut collector = Collector::new(options, &mut observe);
    read_all(paths, &mut collector)?;
    assert_eq!(collector.broken, 0, "{:?}", collector.broken_named);
    Ok(sorted(collector.flights))
}
