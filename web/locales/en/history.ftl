# The pages about the history.

sections-label = History
section-airlines = Airlines
section-aircraft = Aircraft
section-flights = Flights
section-months = Months
section-delays = Delays

card-flights = Flights
card-punctual = Less than 30 minutes late
card-mean = Mean arrival delay, minutes
card-cancelled = Cancelled

column-airline = Airline
column-flights = Flights
column-mean = Mean, min
column-mean-delay = Mean delay, min
column-cancelled = Cancelled
column-aircraft = Aircraft
column-month = Month
column-share = Share
column-arrival = Arrival
column-departure = Departure
column-route = Route
column-flight = Flight
column-departs = Departs
column-arrived = Arrived
column-date = Date
column-tail = Tail number
column-manufacturer = Manufacturer
column-model = Model
column-built = Built
column-seats = Seats
column-engine = Engine
as-table = As a table
search = Search
found = Found
all-its-flights = All its flights

outcome-cancelled = cancelled
outcome-diverted = diverted
outcome-unknown = unknown

paging-label = Pages of results
paging-shown = { $first } to { $last } of { $total }
paging-none = None of { $total } from here on
previous = Previous
next = Next
paging-cut = The list ends here. Search for less to see the others.
days-label = Days
day-before = The day before
day-after = The day after

chart-hour = { $hour }h
chart-number = { $number }
chart-thousands = { $number }~k
chart-millions = { $number }~M
chart-counts = { $what }: { $counts }
chart-classes = { $what }: shares of the classes of delay; { $class }: { $shares }
chart-months = Flights by month
chart-hours = Flights by hour of departure
chart-manufacturers = Aircraft by manufacturer
chart-others = { $count } others

airlines-history = The history: { $name }, from { $first } to { $last }.
airlines-heading = Fleet and punctuality

airline-history =
    { $routes ->
        [one] In the history from { $first } to { $last }, on { $routes } route.
       *[other] In the history from { $first } to { $last }, on { $routes } routes.
    }
airline-months = Arrivals by month
airline-hours = Arrivals by hour of departure
airline-routes = Routes with most flights
airline-fleet = Fleet: { $count } aircraft
airline-tails = All tail numbers that flew for the airline, by model.
airline-list = As a list
airline-unregistered = Not in the registry

aircraft-name = Aircraft { $tail }
aircraft-unregistered = The registry here does not have this tail number.
aircraft-facts = Facts
aircraft-flew-for = Flew for
aircraft-flights = Its flights, latest first
aircraft-built = Built in
aircraft-kind = Kind
aircraft-seats = Seats
aircraft-engines = Engines
aircraft-engine = Engine

aircraft-intro = The tail numbers of the history, with the facts of the FAA’s registry.
aircraft-manufacturers = Manufacturers
aircraft-without =
    { $count ->
        [one] Without the { $count } aircraft that the registry here does not have.
       *[other] Without the { $count } aircraft that the registry here does not have.
    }
aircraft-all = All aircraft
aircraft-not-searched = The registry here does not have { $fact }: it was not searched for.
aircraft-none = No aircraft of the history has all of this.
fact-owner = the owner
fact-owner-state = the owner's state
fact-serial = the serial number
fact-engine-manufacturer = the engine's manufacturer
fact-engine-model = the engine's model

search-intro = Every flight of the history, from { $first } to { $last }, in the order of departure.
search-number = Flight number
search-origin = From
search-dest = To
search-date = Date
search-all = All flights
search-none = No flight of the history has all of this.

route-other-way = The other direction
route-flights =
    { $count ->
        [one] { $count } flight
       *[other] { $count } flights
    }
route-history = The route in the whole history
route-title = { $origin } to { $dest }, { $day }

record-other-days = Its other days
record-outcome = Outcome
record-flown = Flown
record-cancelled = Cancelled
record-diverted = Diverted: it landed at another airport
record-scheduled-departure = Scheduled departure
record-departure = Departure
record-scheduled-arrival = Scheduled arrival
record-arrival = Arrival
record-air-time = In the air
record-distance = Distance
record-aircraft = Aircraft
record-minutes = { $minutes }~min

months-intro = All scheduled flights of the history, with those that were cancelled. As data:
months-heading = Months

delays-intro = How late the flights of the history arrived.
delays-all = All arrivals
delays-months = By month
delays-hours = By hour of the scheduled departure
delays-airlines = By airline
delays-hour = { $from } to { $to }
