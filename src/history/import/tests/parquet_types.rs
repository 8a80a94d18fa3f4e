//! Tests of rule 8 for Parquet: the types and codecs of pandas, Spark and DuckDB.

use std::sync::Arc;

use ::parquet::{
    basic::{BrotliLevel, Compression, GzipLevel, ZstdLevel},
    data_type::{
        BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType,
        Int32Type, Int64Type, Int96, Int96Type,
    },
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use chrono::Datelike;

use super::{table_format::*, *};

/// The values of a column.
enum Values {
    Bool(Vec<Option<bool>>),
    Int32(Vec<Option<i32>>),
    Int64(Vec<Option<i64>>),
    Int96(Vec<Option<Int96>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
    Text(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

/// Creates a Parquet file of optional columns, each with its type in a schema and its values.
fn table(columns: &[(&str, Values)], compression: Compression) -> Vec<u8> {
    let schema: String = columns.iter().map(|(column, _)| format!("optional {column};")).collect();
    let schema = Arc::new(parse_message_type(&format!("message schema {{ {schema} }}")).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, values) in columns {
        let mut column = group.next_column().unwrap().unwrap();
        let untyped = column.untyped();
        fn put<T: DataType>(
            writer: &mut ::parquet::column::writer::ColumnWriterImpl<'_, T>,
            values: Vec<Option<T::T>>,
        ) {
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let values: Vec<_> = values.into_iter().flatten().collect();
            writer.write_batch(&values, Some(&levels), None).unwrap();
        }
        use ::parquet::column::writer::get_typed_column_writer_mut as typed;
        match values {
            Values::Bool(values) => put(typed::<BoolType>(untyped), values.clone()),
            Values::Int32(values) => put(typed::<Int32Type>(untyped), values.clone()),
            Values::Int64(values) => put(typed::<Int64Type>(untyped), values.clone()),
            Values::Int96(values) => put(typed::<Int96Type>(untyped), values.clone()),
            Values::Float(values) => put(typed::<FloatType>(untyped), values.clone()),
            Values::Double(values) => put(typed::<DoubleType>(untyped), values.clone()),
            Values::Text(values) => {
                put(typed::<ByteArrayType>(untyped), values.iter().cloned().map(|v| v.map(ByteArray::from)).collect());
            }
            Values::Fixed(values) => {
                let fixed = values.iter().cloned().map(|v| v.map(|v| FixedLenByteArray::from(ByteArray::from(v))));
                put(typed::<FixedLenByteArrayType>(untyped), fixed.collect());
            }
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

fn column<T>(of: impl Fn(&Flight) -> Option<T>) -> Vec<Option<T>> {
    ten_flights().iter().map(of).collect()
}

fn text(of: impl Fn(&Flight) -> String) -> Values {
    Values::Text(column(|flight| Some(of(flight).into_bytes())))
}

fn days(flight: &Flight) -> i64 {
    i64::from(flight.date.to_epoch_days())
}

const DAY_MS: i64 = 86_400_000;

/// Creates the columns of pandas, with a date column.
fn pandas(date: (&'static str, Values)) -> Vec<(&'static str, Values)> {
    let double = |of: fn(&Flight) -> Option<f32>| Values::Double(column(move |flight| of(flight).map(f64::from)));
    vec![
        date,
        ("binary OP_UNIQUE_CARRIER (UTF8)", text(|flight| flight.carrier.to_string())),
        ("int64 OP_CARRIER_FL_NUM", Values::Int64(column(|flight| flight.flight_num.map(i64::from)))),
        ("binary TAIL_NUM (STRING)", text(|flight| flight.tail_num.unwrap().to_string())),
        ("binary ORIGIN (UTF8)", text(|flight| flight.origin.to_string())),
        ("binary DEST", text(|flight| flight.dest.to_string())),
        (
            "int64 CRS_DEP_TIME",
            Values::Int64(column(|flight| flight.crs_dep_min.map(|min| i64::from(min / 60 * 100 + min % 60)))),
        ),
        ("binary CRS_ARR_TIME (UTF8)", text(|flight| hhmm(flight.crs_arr_min.unwrap()))),
        ("double CRS_ELAPSED_TIME", double(|flight| flight.crs_elapsed_min)),
        // Data frames of floats have NaN, not null.
        ("double DEP_DELAY", Values::Double(column(|flight| Some(flight.dep_delay.map_or(f64::NAN, f64::from))))),
        ("float ARR_DELAY", Values::Float(column(|flight| Some(flight.arr_delay.unwrap_or(f32::NAN))))),
        ("float AIR_TIME", Values::Float(column(|flight| flight.air_time_min))),
        ("double DISTANCE", double(|flight| flight.distance)),
        (
            "double CANCELLED",
            Values::Double(column(|flight| Some(f64::from(u8::from(flight.status == FlightStatus::Cancelled))))),
        ),
        ("boolean DIVERTED", Values::Bool(column(|flight| Some(flight.status == FlightStatus::Diverted)))),
    ]
}

fn iso_date() -> (&'static str, Values) {
    ("binary FL_DATE (UTF8)", text(|flight| flight.date.to_string()))
}

fn read(bytes: Vec<u8>) -> Result<Vec<Flight>, ImportError> {
    let fixture = Fixture::new();
    flights_in(&[fixture.put("part-00000-c000.snappy", bytes)], &Options::default())
}

#[test]
fn rule_8_dates_of_every_type_are_the_same_days() {
    let int96 = |flight: &Flight| {
        // 5:00 in UTC is midnight in New York.
        let nanos = 5 * 3_600_000_000_000u64;
        let mut at = Int96::new();
        at.set_data(nanos as u32, (nanos >> 32) as u32, (days(flight) + 2_440_588) as u32);
        Some(at)
    };
    for (name, date) in [
        ("text", iso_date()),
        ("date", ("int32 FL_DATE (DATE)", Values::Int32(column(|flight| Some(flight.date.to_epoch_days()))))),
        (
            "milliseconds",
            ("int64 FL_DATE (TIMESTAMP_MILLIS)", Values::Int64(column(|flight| Some(days(flight) * DAY_MS)))),
        ),
        (
            "local microseconds",
            (
                "int64 FL_DATE (TIMESTAMP(MICROS,false))",
                Values::Int64(column(|flight| Some((days(flight) * DAY_MS + 14_400_000) * 1000))),
            ),
        ),
        (
            "nanoseconds",
            (
                "int64 FL_DATE (TIMESTAMP(NANOS,true))",
                Values::Int64(column(|flight| Some(days(flight) * DAY_MS * 1_000_000))),
            ),
        ),
        (
            "midnights of New York",
            (
                "int64 FL_DATE (TIMESTAMP(MICROS,true))",
                Values::Int64(column(|flight| Some((days(flight) * DAY_MS + 18_000_000) * 1000))),
            ),
        ),
        ("int96", ("int96 FL_DATE", Values::Int96(column(int96)))),
        (
            "a number",
            (
                "int64 FL_DATE",
                Values::Int64(column(|flight| {
                    let date = flight.date;
                    Some(i64::from(date.year()) * 10_000 + i64::from(date.month() * 100 + date.day()))
                })),
            ),
        ),
    ] {
        assert_eq!(
            read(table(&pandas(date), Compression::SNAPPY)).unwrap_or_else(|error| panic!("{name}: {error}")),
            ten_flights(),
            "{name}"
        );
    }
}

#[test]
fn rule_8_numbers_times_and_flags_of_every_type_are_equal() {
    let replace = |name: &str, column: (&'static str, Values)| {
        let mut columns = pandas(iso_date());
        let at = columns.iter().position(|(known, _)| known.contains(name)).unwrap();
        columns[at] = column;
        table(&columns, Compression::UNCOMPRESSED)
    };
    let min = |flight: &Flight| i64::from(flight.crs_dep_min.unwrap());
    let miles = |flight: &Flight| flight.distance.unwrap() as i64;
    let wide = |number: i64| number.to_be_bytes()[3..].to_vec();
    for (name, bytes) in [
        (
            "time in milliseconds",
            replace(
                "CRS_DEP_TIME",
                ("int32 CRS_DEP_TIME (TIME_MILLIS)", Values::Int32(column(|f| Some(min(f) as i32 * 60_000)))),
            ),
        ),
        (
            "time in microseconds",
            replace(
                "CRS_DEP_TIME",
                ("int64 CRS_DEP_TIME (TIME(MICROS,true))", Values::Int64(column(|f| Some(min(f) * 60_000_000)))),
            ),
        ),
        (
            "decimal of 32 bits",
            replace(
                "DISTANCE",
                ("int32 DISTANCE (DECIMAL(9,2))", Values::Int32(column(|f| Some(miles(f) as i32 * 100)))),
            ),
        ),
        (
            "decimal of 64 bits",
            replace("DISTANCE", ("int64 DISTANCE (DECIMAL(18,3))", Values::Int64(column(|f| Some(miles(f) * 1000))))),
        ),
        (
            "decimal of bytes",
            replace(
                "DISTANCE",
                ("binary DISTANCE (DECIMAL(10,1))", Values::Text(column(|f| Some(wide(miles(f) * 10))))),
            ),
        ),
        (
            "decimal of fixed bytes",
            replace(
                "DEP_DELAY",
                (
                    "fixed_len_byte_array(5) DEP_DELAY (DECIMAL(10,1))",
                    Values::Fixed(column(|f| f.dep_delay.map(|min| wide(min as i64 * 10)))),
                ),
            ),
        ),
        (
            "unsigned",
            replace(
                "OP_CARRIER_FL_NUM",
                ("int32 OP_CARRIER_FL_NUM (UINT_32)", Values::Int32(column(|f| f.flight_num.map(|n| n as i32)))),
            ),
        ),
        (
            "small",
            replace(
                "OP_CARRIER_FL_NUM",
                ("int32 OP_CARRIER_FL_NUM (INT_16)", Values::Int32(column(|f| f.flight_num.map(|n| n as i32)))),
            ),
        ),
        (
            "float with decimals of nothing",
            replace(
                "OP_CARRIER_FL_NUM",
                ("double OP_CARRIER_FL_NUM", Values::Double(column(|f| f.flight_num.map(f64::from)))),
            ),
        ),
        (
            "flag as number",
            replace(
                "DIVERTED",
                ("int32 DIVERTED", Values::Int32(column(|f| Some(i32::from(f.status == FlightStatus::Diverted))))),
            ),
        ),
        (
            "flag as text",
            replace(
                "DIVERTED",
                (
                    "binary DIVERTED (UTF8)",
                    text(|f| if f.status == FlightStatus::Diverted { "true" } else { "false" }.to_owned()),
                ),
            ),
        ),
    ] {
        assert_eq!(read(bytes).unwrap_or_else(|error| panic!("{name}: {error}")), ten_flights(), "{name}");
    }
}

#[test]
fn rule_8_the_codecs_of_pandas_spark_and_duckdb_are_read_and_others_named() {
    for compression in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4,
        Compression::LZ4_RAW,
        Compression::ZSTD(ZstdLevel::default()),
    ] {
        assert_eq!(
            read(table(&pandas(iso_date()), compression)).unwrap_or_else(|error| panic!("{compression}: {error}")),
            ten_flights(),
            "{compression}"
        );
    }
    // The writer has no Brotli: the codec is changed in the footer.
    let gzip = table(&pandas(iso_date()), Compression::GZIP(GzipLevel::default()));
    let _ = BrotliLevel::default();
    let brotli = with_codec(gzip, 4);
    let error = read(brotli.clone()).unwrap_err().to_string();
    assert!(error.contains("is compressed with BROTLI, which is not built in: write it with zstd"), "{error}");
    // It may hold flights, so it is not skipped in a folder.
    let fixture = Fixture::new();
    fs::create_dir(fixture.directory.path().join("folder")).unwrap();
    fixture.put("folder/a.parquet", brotli);
    fixture.put("folder/b.csv", BTS);
    assert!(fixture.import(&[fixture.directory.path().join("folder")]).is_err());
}

/// Changes the codec in a file's footer: in the compact protocol of Thrift, field 4 of a column's metadata after field
/// 3 is `0x15` and the doubled number.
fn with_codec(mut bytes: Vec<u8>, codec: u8) -> Vec<u8> {
    let names = ["FL_DATE"].map(str::as_bytes);
    // The path in the schema (a list of one text) precedes the codec.
    let path = [&[0x18, names[0].len() as u8], names[0]].concat();
    let at = bytes.windows(path.len()).rposition(|window| window == path).unwrap() + path.len();
    assert_eq!(bytes[at..at + 2], [0x15, 4], "field 4, GZIP");
    bytes[at + 1] = codec * 2;
    bytes
}

#[test]
fn rule_3_a_broken_row_of_parquet_is_counted_and_other_columns_are_named() {
    let other = table(&[("binary name (UTF8)", text(|_| "x".to_owned()))], Compression::SNAPPY);
    let error = read(other).unwrap_err();
    assert!(matches!(error, ImportError::Columns { .. }), "{error}");
    let mut columns = pandas(iso_date());
    columns[4] = (
        "binary ORIGIN (UTF8)",
        text(|flight| if flight.status == FlightStatus::Diverted { "ATLANTA!" } else { "ATL" }.to_owned()),
    );
    let fixture = Fixture::new();
    let summary = fixture.import(&[fixture.put("a", table(&columns, Compression::SNAPPY))]).unwrap();
    assert_eq!((summary.rows, summary.broken, summary.diverted), (10, 1, 0));
    assert!(summary.broken_rows[0].reason.starts_with("Origin is \"ATLANTA!\""));
}

#[test]
fn rule_10_more_rows_than_bytes_are_refused() {
    let rows = (1 << 20) + 1;
    let same = |value: &str| Values::Text(vec![Some(value.as_bytes().to_vec()); rows]);
    let columns = [
        ("binary FlightDate (UTF8)", same("2015-01-01")),
        ("binary Carrier (UTF8)", same("AA")),
        ("binary Origin (UTF8)", same("ATL")),
        ("binary Dest (UTF8)", same("SFO")),
        ("float ArrDelay", Values::Float(vec![Some(1.0); rows])),
    ];
    let error = read(table(&columns, Compression::SNAPPY)).unwrap_err();
    assert!(matches!(error, ImportError::Unpacks { .. }), "{error}");
}

#[test]
fn rule_4_a_damaged_byte_never_makes_the_import_panic() {
    let whole = table(&pandas(iso_date()), Compression::SNAPPY);
    let outcome = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        let fixture = Fixture::new();
        let mut observe = |_: Event<'_>| {};
        let mut collector = Collector::new(&Options::default(), &mut observe);
        let _ = read_all(&[fixture.put("damaged", bytes)], &mut collector);
    };
    let panicked: Vec<_> = (0..whole.len())
        .filter(|at| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| outcome(*at))).is_err())
        .collect();
    assert!(panicked.is_empty(), "bytes {panicked:?} of {}", whole.len());
}
