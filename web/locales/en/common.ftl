# Texts of all pages: numbers and dates, the frame, the classes of delay.

minutes =
    { $minutes ->
        [one] { $minutes } minute
       *[other] { $minutes } minutes
    }

day = { $day } { month-name } { $year }
day-of-year = { $day }~{ month-name }
long-day = { weekday-name }, { $day } { month-name } { $year }
month = { month-name } { $year }
month-name =
    { $month ->
        [1] January
        [2] February
        [3] March
        [4] April
        [5] May
        [6] June
        [7] July
        [8] August
        [9] September
        [10] October
        [11] November
       *[12] December
    }
weekday-name =
    { $weekday ->
        [1] Monday
        [2] Tuesday
        [3] Wednesday
        [4] Thursday
        [5] Friday
        [6] Saturday
       *[7] Sunday
    }

# The titles of pages, as in the tab of a browser.
title-predict = How late will this flight be?
title-regress = How many minutes late?
title-bulk = Many flights at once
title-batch = Ask for the batch
title-batch-results = Answers of a batch
title-airlines = Airlines
title-airline = Airline
title-airplanes = Aircraft
title-airplane = Aircraft
title-flight-search = Flights
title-route-day = Flights of a day
title-flight-record = Flight
title-total-flights = Flights by month
title-delays = Delays
title-operations = Operations
title-dataflow = Dataflow
title-dead-letters = Dead letters
title-error = Something broke on our side
title-report = Evaluation

# The navigation, and the footer.
nav-history = History
nav-operations = Operations
footer = A forecast from past flights, not a promise. Your airline knows about the flight itself.

# The classes of delay.
class-early = more than 15 minutes early
class-slightly-early = up to 15 minutes early
class-slightly-late = on time to 30 minutes late
class-very-late = 30 minutes late or more

# Short words of several pages.
route-to = to
from-to = { $origin } to { $dest }
on-time = on time
min-late = { $minutes }~min late
min-early = { $minutes }~min early
flight-name = Flight { $flight }

distance-miles = { $number }~miles
distance-km = { $number }~km
