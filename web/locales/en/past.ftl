# Flights of the history beside an answer, and the other flights of the route.

past-heading = In the past
past-says = What { $source } say:
past-source = { $count } { $flights }, { $first } to { $last }
flights-from-new-york = flights from New York
flights-imported = imported flights
past-like = Flights like yours
past-number = Number
past-punctual = <~30~min late
past-arrivals = Arrivals
past-flight = { $flight } on this route
past-airline-route = { $airline }, this route
past-route = { $origin } to { $dest }, all airlines
past-airline = { $airline }, all routes
past-hour = { $airport } from { $from } to { $to }
past-none-of-either = None of them is of { $airline }, and none goes from { $origin } to { $dest }.
past-none-of-airline = None of them is of { $airline }.
past-none-of-route = None of them goes from { $origin } to { $dest }.
past-not-on-route = { $airline } did not fly from { $origin } to { $dest } then.
past-old = The last of them is { $years } years older than your flight: airlines and schedules have changed since.

others-heading = Other flights on { weekday-name }s
others-source = Of the { $flights }: { $origin } to { $dest }, { $first } to { $last }, all days.
others-order = The least late come first.
others-flight = Flight
others-landed = Landed
others-late = ≥~30~min late
others-yours = (yours)
more-not-shown = { $count } more are not shown.
others-few = Flights that landed fewer than { $least } times have no rank.
others-chance = Small differences are chance.
