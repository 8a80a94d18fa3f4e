# The form of a flight, and the pages that have it.

predict-heading = How late will this flight be?
predict-minutes-heading = How many minutes late will this flight be?
predict-intro = delaycast compares your flight with flights of the past and tells you how late it is likely to land.

form-ask = Ask
form-errors =
    { $count ->
        [one] One field needs another look.
       *[other] { $count } fields need another look.
    }
form-flight = Your flight
form-flight-hint = For example <b>B6 915 tomorrow</b>, or <b>Delta from New York to Atlanta on Friday</b>
form-follow = Follow this flight
form-follow-hint = The answer changes with what becomes known, until the flight has arrived. The departure is reported then.
form-fields = Airports, airline and day one by one
form-optional = optional
form-origin = From
form-origin-hint = Airport of departure: code or name
form-dest = To
form-dest-hint = Airport of arrival: code or name
form-carrier = Airline
form-carrier-hint = Code or name
form-number = Flight number
form-date = Day of departure
form-departs = Scheduled departure
form-departs-hint = Local time; a known flight number has it already
form-delay = Departure delay
form-delay-unit = min
form-delay-hint = Leave empty if the flight hasn’t left yet
weather-temp = Temperature
weather-wind = Wind
weather-rain = Rain in the hour
weather-visibility = Visibility
weather-inches = inches
weather-miles = miles
form-weather-hint = As forecast for the airport and the hour of departure; it counts if the scheduled departure is known
form-bulk = Many flights at once
form-batch = Ask for the nightly batch

replay-heading = A day of New York, again
replay-now = It is <b>{ $now }</b>.
replay-time = { $time } on { $day }
replay-minute = A second is a minute.
replay-pace = Time passes { $speed } times faster than it did.
replay-asked = Each flight is asked about two hours before it leaves, and followed until it has arrived:
replay-flight = { $flight } from { $origin } to { $dest } at { $time }
replay-none = No flight leaves soon.
replay-later = Reload the page for later flights, or ask about one below: it is asked as of that time.
# A phrase that the form reads.
phrase-flight = { $flight } from { $origin } to { $dest }
phrase-flight-day = { $flight } from { $origin } to { $dest } on { $day }

# The result.
result-label = Answer
result-none = What you will get
result-none-promise = How late the flight is likely to be, why, and the chance of each of these:
result-none-before = Before departure the answer is less sure than once the departure delay is known.
result-waiting = Waiting for the answer
result-waiting-note = Your question is on its way. The answer appears here by itself.
result-rejected = This flight could not be scored
result-rejected-note = Correct the form and ask again.
result-timed-out = No answer yet
result-timed-out-note = Nobody has answered your question so far. Keep asking, or come back to this address later.
result-keep-asking = Keep asking
result-unreachable = We cannot answer right now
result-unreachable-note = The server, or the place where it keeps its answers, cannot be reached.
result-try-again = Try again
result-unacknowledged = Your question may not have arrived
result-see = See whether it landed
