//! The tables of an index.
//!
//! Flights are numbered in the order of their departure: by day, scheduled time, airline and number. So a day is a
//! range of ids, and every index, which ends in the id, answers with flights in that order. Airline, origin and
//! destination of a flight are one number, that of its *service*: there are some thousand services, so that any
//! combination of the three is a short list of numbers.

/// Marks a file as an index: "dchi" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x6463_6869;

/// The number of the format. Another number means another file: there is no migration of what can be built anew.
pub(super) const FORMAT: i32 = 1;

/// Settings while a file is written. It is not read before it is complete, so it needs no journal.
pub(super) const WRITE_SETTINGS: &str = "\
    PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; \
    PRAGMA cache_size = -65536; PRAGMA temp_store = FILE;";

/// Settings of a connection that reads. The cache is small, as the operating system has the file in its own.
pub(super) const READ_SETTINGS: &str = "PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;";

/// The tables. Days are counted from 1970-01-01, times of day are minutes since midnight.
pub(super) const TABLES: &str = "\
    CREATE TABLE stamp(fingerprint TEXT NOT NULL, history TEXT NOT NULL) STRICT;
    CREATE TABLE flight(
        id INTEGER PRIMARY KEY, day INTEGER NOT NULL, service INTEGER NOT NULL, number INTEGER, aircraft INTEGER,
        dep INTEGER, arr INTEGER, elapsed REAL, dep_delay REAL, arr_delay REAL, air_time REAL, distance REAL,
        status INTEGER NOT NULL) STRICT;
    CREATE TABLE day(day INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL) STRICT;
    CREATE TABLE service(
        id INTEGER PRIMARY KEY, carrier TEXT NOT NULL, origin TEXT NOT NULL, dest TEXT NOT NULL,
        first INTEGER NOT NULL, last INTEGER NOT NULL,
        flights INTEGER NOT NULL, cancelled INTEGER NOT NULL, diverted INTEGER NOT NULL, class_0 INTEGER NOT NULL,
        class_1 INTEGER NOT NULL, class_2 INTEGER NOT NULL, class_3 INTEGER NOT NULL, arr_minutes REAL NOT NULL) STRICT;
    CREATE TABLE month(
        carrier TEXT NOT NULL, year INTEGER NOT NULL, month INTEGER NOT NULL,
        flights INTEGER NOT NULL, cancelled INTEGER NOT NULL, diverted INTEGER NOT NULL, class_0 INTEGER NOT NULL,
        class_1 INTEGER NOT NULL, class_2 INTEGER NOT NULL, class_3 INTEGER NOT NULL, arr_minutes REAL NOT NULL,
        PRIMARY KEY (carrier, year, month)) STRICT, WITHOUT ROWID;
    CREATE TABLE hour(
        carrier TEXT NOT NULL, origin TEXT NOT NULL, hour INTEGER NOT NULL,
        flights INTEGER NOT NULL, cancelled INTEGER NOT NULL, diverted INTEGER NOT NULL, class_0 INTEGER NOT NULL,
        class_1 INTEGER NOT NULL, class_2 INTEGER NOT NULL, class_3 INTEGER NOT NULL, arr_minutes REAL NOT NULL,
        PRIMARY KEY (carrier, origin, hour)) STRICT, WITHOUT ROWID;
    CREATE TABLE aircraft(
        id INTEGER PRIMARY KEY, tail TEXT NOT NULL UNIQUE, year INTEGER, kind TEXT, manufacturer TEXT, model TEXT,
        engines INTEGER, seats INTEGER, engine TEXT,
        flights INTEGER NOT NULL, cancelled INTEGER NOT NULL, diverted INTEGER NOT NULL, class_0 INTEGER NOT NULL,
        class_1 INTEGER NOT NULL, class_2 INTEGER NOT NULL, class_3 INTEGER NOT NULL, arr_minutes REAL NOT NULL) STRICT;
    CREATE TABLE fleet(
        carrier TEXT NOT NULL, aircraft INTEGER NOT NULL, flights INTEGER NOT NULL,
        PRIMARY KEY (carrier, aircraft)) STRICT, WITHOUT ROWID;";

/// The indexes, each with its step in the progress of a build. They are made once the tables are full, which is faster.
pub(super) const INDEXES: [&str; 5] = [
    "CREATE INDEX flight_service ON flight(service)",
    "CREATE INDEX flight_number ON flight(number)",
    "CREATE INDEX flight_aircraft ON flight(aircraft)",
    "CREATE INDEX service_route ON service(origin, dest)",
    "CREATE INDEX fleet_aircraft ON fleet(aircraft)",
];
